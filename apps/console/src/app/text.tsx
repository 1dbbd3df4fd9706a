import { createContext, useContext } from "react";
import type { Language } from "@huitong/kit";

export interface Text {
  zh: string;
  en: string;
}

export type Theme = "light" | "dark";

export interface Preferences {
  language: Language;
  theme: Theme;
  setLanguage: (language: Language) => void;
  setTheme: (theme: Theme) => void;
}

export const PreferencesContext = createContext<Preferences>({
  language: "zh",
  theme: "light",
  setLanguage: () => undefined,
  setTheme: () => undefined,
});

export function usePreferences(): Preferences {
  return useContext(PreferencesContext);
}

/** Returns a function that gives a text in the reader's language: `t("支付", "Payments")`. */
export function useText(): (zh: string, en: string) => string {
  const { language } = usePreferences();
  return (zh, en) => (language === "zh" ? zh : en);
}
