import type { Language } from "./i18n/language";

/** Business days and what people see of instants are Shanghai's, wherever the device is. */
export const ZONE = "Asia/Shanghai";

const LOCALES: Record<Language, string> = { zh: "zh-CN", en: "en-GB" };

/** Returns an instant (ISO 8601) as people read it: day and minute. */
export function showInstant(at: string, language: Language): string {
  return new Intl.DateTimeFormat(LOCALES[language], {
    timeZone: ZONE,
    year: "numeric",
    month: language === "zh" ? "numeric" : "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).format(new Date(at));
}

/** Returns the hour and minute of an instant. */
export function showTime(at: string): string {
  return new Intl.DateTimeFormat("en-GB", {
    timeZone: ZONE,
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).format(new Date(at));
}

/** Returns a day (`2026-11-27`) as people read it. */
export function showDay(day: string, language: Language): string {
  return new Intl.DateTimeFormat(LOCALES[language], {
    timeZone: "UTC",
    year: "numeric",
    month: language === "zh" ? "long" : "short",
    day: "numeric",
  }).format(new Date(`${day}T00:00:00Z`));
}

/** Returns the business day of an instant, as the API writes days. */
export function dayOf(at: Date): string {
  return new Intl.DateTimeFormat("sv-SE", { timeZone: ZONE }).format(at);
}
