import { type ApiError, type components, createApi, type Language } from "@huitong/kit";

export type Schema = components["schemas"];

/** A list as the API gives it. */
export interface Page<T> {
  data: T[];
  next_cursor: string | null;
}

const LANGUAGE = "huitong.console.language";

export function readLanguage(): Language {
  return localStorage.getItem(LANGUAGE) === "en" ? "en" : "zh";
}

export function keepLanguage(language: Language): void {
  localStorage.setItem(LANGUAGE, language);
}

export const api = createApi({ language: readLanguage });

/** Returns a fresh key for an act that is sent once; forms keep theirs until they are answered. */
export function newKey(): string {
  return crypto.randomUUID();
}

/** Returns what a person reads after a request that failed. */
export function explain(error: ApiError, language: Language): string {
  if (error.outcome === "unknown") {
    return language === "zh"
      ? "没有收到答复，可能已经办理。再次提交不会重复办理。"
      : "No answer came; it may have been done. Sending it again does nothing twice.";
  }
  if (error.outcome === "unavailable") {
    return language === "zh"
      ? "系统繁忙，什么都没有办理，请稍后再试。"
      : "The platform is busy. Nothing was done; try again in a moment.";
  }
  const where = error.problem?.field === undefined ? "" : `${error.problem.field}: `;
  return `${where}${error.message}`;
}
