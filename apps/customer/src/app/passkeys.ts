/** Passkeys as the API sends and takes them: JSON with base64url, as WebAuthn Level 3 defines it. */

export function hasPasskeys(): boolean {
  return "PublicKeyCredential" in window && "parseRequestOptionsFromJSON" in PublicKeyCredential;
}

/** Makes a passkey on this device; null if the person changed their mind. */
export async function makePasskey(options: object): Promise<Record<string, unknown> | null> {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(
    options as PublicKeyCredentialCreationOptionsJSON,
  );
  return toJson(await askFor(() => navigator.credentials.create({ publicKey })));
}

/** Proves who somebody is with a passkey; null if they changed their mind. */
export async function provePasskey(options: object): Promise<Record<string, unknown> | null> {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(
    options as PublicKeyCredentialRequestOptionsJSON,
  );
  return toJson(await askFor(() => navigator.credentials.get({ publicKey })));
}

async function askFor(ask: () => Promise<Credential | null>): Promise<Credential | null> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof DOMException) return null;
    throw error;
  }
}

function toJson(credential: Credential | null): Record<string, unknown> | null {
  if (!(credential instanceof PublicKeyCredential)) return null;
  return { ...(credential.toJSON() as object) };
}
