import { readError } from "@huitong/kit";
import { readPrefs } from "./prefs";

/** Fetches a file of the API's and hands it to the browser to keep; throws ApiError. */
export async function download(address: string, name: string): Promise<void> {
  let response: Response;
  try {
    response = await fetch(address, {
      credentials: "same-origin",
      headers: {
        "X-Huitong-Anti-Forgery": "1",
        "Accept-Language": readPrefs().language === "zh" ? "zh-CN" : "en",
      },
    });
  } catch {
    throw readError(new Response(null, { status: 500 }), null);
  }
  if (!response.ok) throw readError(response, await response.json().catch(() => null));
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken the file by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
