/** Asks the browser for a passkey with the options of the API (WebAuthn's JSON forms). */
export async function startPasskey(options: Record<string, unknown>): Promise<PublicKeyCredential> {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(
    options as unknown as PublicKeyCredentialRequestOptionsJSON,
  );
  const found = await navigator.credentials.get({ publicKey });
  if (!(found instanceof PublicKeyCredential)) throw new Error("no passkey was used");
  return found;
}

/** Returns what a passkey answered as the API reads it. */
export function readCredential(credential: PublicKeyCredential): Record<string, unknown> {
  return { ...(credential.toJSON() as Record<string, unknown>) };
}
