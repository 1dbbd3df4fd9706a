import createClient, { type Client } from "openapi-fetch";
import type { paths } from "./schema";

export type Api = Client<paths, `application/${string}`>;

export interface ApiOptions {
  /** Where the API is; the page's own host if it is not named. */
  baseUrl?: string;
  /** The language in which a person should read what the API says. */
  language: () => "zh" | "en";
}

const ANTI_FORGERY = "X-Huitong-Anti-Forgery";

/**
 * Returns a client for every route of the API. The session is the browser's: a cookie that no
 * script can read, and with it a header that no other site can send.
 */
export function createApi({ baseUrl = "", language }: ApiOptions): Api {
  const api: Api = createClient<paths>({ baseUrl, credentials: "same-origin" });
  api.use({
    onRequest({ request }) {
      request.headers.set(ANTI_FORGERY, "1");
      request.headers.set("Accept-Language", language() === "zh" ? "zh-CN" : "en");
      return request;
    },
  });
  return api;
}
