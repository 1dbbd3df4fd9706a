import { type components, unwrap } from "@huitong/kit";
import { api } from "@/app/api";

/** The authority to apply, which the proof of a number gave; it opens nothing else. */
export interface Applying {
  token: string;
  application: string;
  mobile: string;
}

export type PersonBody = Omit<components["schemas"]["SavePerson"], "mobile" | "nationality" | "document" | "bank_cards">;
export type PictureKind = "id_front" | "id_back" | "selfie";

export interface Evidence {
  person: PersonBody;
  pictures: Readonly<Record<PictureKind, string>>;
}

const CONSENT = "app-sign-up-1";
const CLASS = 2;

function headers({ token }: Applying): Record<string, string> {
  return { Authorization: `Bearer ${token}`, "Idempotency-Key": crypto.randomUUID() };
}

/** Proves a number; returns the authority to apply with it. */
export async function proveNumber(
  body: components["schemas"]["BeginSignUp"],
  mobile: string,
): Promise<Applying> {
  const { token, application } = await unwrap(api.POST("/v1/identity/sign-ups", { body }));
  return { token, application, mobile };
}

/** Begins the application, or goes on with the one that there is; returns its state. */
export async function begin(applying: Applying): Promise<string> {
  const header = { "Idempotency-Key": crypto.randomUUID() };
  const body = { requested_class: CLASS, consent: CONSENT };
  const asked = { params: { header }, headers: headers(applying), body };
  const found = await api.POST("/v1/onboarding/applications", asked);
  return found.response.ok ? "draft" : findState(applying);
}

/** Sends who somebody is with the pictures, and hands the application in. */
export async function handIn(applying: Applying, { person, pictures }: Evidence): Promise<void> {
  const path = { application: applying.application };
  const mine = () => {
    const sent = headers(applying);
    return {
      params: { path, header: { "Idempotency-Key": sent["Idempotency-Key"] ?? "" } },
      headers: sent,
    };
  };
  const body = { ...person, mobile: applying.mobile, nationality: "CHN", document: "resident_id" as const, bank_cards: [] };
  const base = "/v1/onboarding/applications/{application}";
  await unwrap(api.POST(`${base}/person`, { ...mine(), body }));
  for (const kind of ["id_front", "id_back", "selfie"] as const) {
    const picture = { kind, content: pictures[kind] };
    await unwrap(api.POST(`${base}/pictures`, { ...mine(), body: picture }));
  }
  await unwrap(api.POST(`${base}/submission`, { ...mine(), body: {} }));
}

/** Returns the state of an application. */
export async function findState(applying: Applying): Promise<string> {
  const params = { path: { application: applying.application } };
  const asked = { params, headers: { Authorization: `Bearer ${applying.token}` } };
  return (await unwrap(api.GET("/v1/onboarding/applications/{application}", asked))).state;
}

/** Makes the authority to apply a session; returns the device's token. */
export async function enter(
  applying: Applying,
  device: { token: string | null; name: string },
): Promise<string | null> {
  const body = { delivery: "cookie" as const, device, token: applying.token };
  return (await unwrap(api.POST("/v1/identity/sessions/by-sign-up", { body }))).device_token;
}
