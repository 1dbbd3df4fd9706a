/** What both apps share: the API's client, acts done once, money, days, languages. */
export { Act } from "./api/acts";
export { type Api, type ApiOptions, createApi } from "./api/client";
export { ApiError, type Outcome, type Problem, readError, unwrap } from "./api/problems";
export type { components, paths } from "./api/schema";
export * from "./dates";
export * from "./i18n/language";
export * from "./money";
