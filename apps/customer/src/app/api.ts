import { createApi } from "@huitong/kit";
import { readPrefs } from "./prefs";

/** The customer's client of the API. */
export const api = createApi({ language: () => readPrefs().language });
