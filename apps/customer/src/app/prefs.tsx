import { type Catalogue, type Language, preferredLanguage, translate, type Values } from "@huitong/kit";
import { createContext, type ReactNode, use, useCallback, useEffect, useMemo, useState } from "react";

export type Theme = "auto" | "light" | "dark";

/** How somebody wants to see the app; kept on the device, for it is about eyes and no account. */
export interface Prefs {
  language: Language;
  theme: Theme;
  isElder: boolean;
}

interface PrefsContext extends Prefs {
  change: (changed: Partial<Prefs>) => void;
}

const NAME = "huitong.prefs";
const Context = createContext<PrefsContext | null>(null);

/** Returns what is kept on this device, or what the browser prefers. */
export function readPrefs(): Prefs {
  const prefs: Prefs = {
    language: preferredLanguage(navigator.languages),
    theme: "auto",
    isElder: false,
  };
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(NAME) ?? "{}");
    if (typeof kept !== "object" || kept === null) return prefs;
    const { language, theme, isElder } = kept as Record<string, unknown>;
    if (language === "zh" || language === "en") prefs.language = language;
    if (theme === "light" || theme === "dark") prefs.theme = theme;
    if (typeof isElder === "boolean") prefs.isElder = isElder;
  } catch {
    // What is broken is as good as nothing kept.
  }
  return prefs;
}

/** Shows the document as `prefs` say. */
export function applyPrefs({ language, theme, isElder }: Prefs): void {
  const prefersDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const isDark = theme === "dark" || (theme === "auto" && prefersDark);
  const root = document.documentElement;
  root.lang = language === "zh" ? "zh-CN" : "en";
  root.dataset["prefersColorScheme"] = isDark ? "dark" : "light";
  root.dataset["elder"] = String(isElder);
}

export function PrefsProvider({ children }: { children: ReactNode }) {
  const [prefs, setPrefs] = useState(readPrefs);
  useEffect(() => {
    localStorage.setItem(NAME, JSON.stringify(prefs));
    applyPrefs(prefs);
    const query = matchMedia("(prefers-color-scheme: dark)");
    const follow = () => applyPrefs(prefs);
    query.addEventListener("change", follow);
    return () => query.removeEventListener("change", follow);
  }, [prefs]);
  const change = useCallback(
    (changed: Partial<Prefs>) => setPrefs((before) => ({ ...before, ...changed })),
    [],
  );
  const value = useMemo(() => ({ ...prefs, change }), [prefs, change]);
  return <Context value={value}>{children}</Context>;
}

export function usePrefs(): PrefsContext {
  const found = use(Context);
  if (found === null) throw new Error("there is no PrefsProvider");
  return found;
}

/** Returns the function that gives a catalogue's texts in the chosen language. */
export function useText<Key extends string>(
  catalogue: Catalogue<Key>,
): (key: Key, values?: Values) => string {
  const { language } = usePrefs();
  return useCallback(
    (key: Key, values?: Values) => translate(catalogue, language, key, values),
    [catalogue, language],
  );
}
