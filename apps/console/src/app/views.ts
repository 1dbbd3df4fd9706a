/** A saved view of a list: its filters and order, kept in this browser only. */
export interface SavedView {
  name: string;
  filters: Record<string, string>;
  sort: string | null;
}

const PREFIX = "huitong.console.views.";
const VIEWS_MAX = 20;

function isView(value: unknown): value is SavedView {
  return typeof value === "object" && value !== null && "name" in value && "filters" in value;
}

export function listViews(list: string): SavedView[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(PREFIX + list) ?? "[]");
    return Array.isArray(kept) ? kept.filter(isView) : [];
  } catch {
    return [];
  }
}

/** Keeps a view under its name; the oldest goes when there are too many. */
export function saveView(list: string, view: SavedView): SavedView[] {
  const others = listViews(list).filter((each) => each.name !== view.name);
  const views = [...others, view].slice(-VIEWS_MAX);
  localStorage.setItem(PREFIX + list, JSON.stringify(views));
  return views;
}

export function dropView(list: string, name: string): SavedView[] {
  const views = listViews(list).filter((each) => each.name !== name);
  localStorage.setItem(PREFIX + list, JSON.stringify(views));
  return views;
}
