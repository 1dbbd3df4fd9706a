import type { Money } from "@huitong/kit";

/** Returns the link by which somebody is paid: it opens the form of a payment, filled in. */
export function payLink(account: string, money: Money | null, note = ""): string {
  const query = new URLSearchParams({ to: account });
  if (money !== null) query.set("amount", money.amount);
  if (note !== "") query.set("note", note);
  return `${location.origin}/app/pay?${query.toString()}`;
}

/** Returns the part of such a link that the app opens; null if it is none of ours. */
export function readPayLink(text: string): string | null {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return null;
  }
  if (url.origin !== location.origin || url.pathname !== "/app/pay") return null;
  const wanted = new URLSearchParams();
  // Only what a person may see and change: a link decides nothing.
  for (const name of ["to", "amount", "note"]) {
    const value = url.searchParams.get(name);
    if (value !== null) wanted.set(name, value);
  }
  return `/pay?${wanted.toString()}`;
}
