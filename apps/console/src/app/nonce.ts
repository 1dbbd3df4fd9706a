/** Returns the nonce of this answer, which styles made in the page must carry. */
export function readNonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "";
}

/**
 * Gives the nonce to every style that our scripts make: some libraries (icons, the editor of
 * tables) make styles and know of no nonce. Scripts themselves come from our host only.
 */
export function markStyles(): void {
  const nonce = readNonce();
  const make = document.createElement.bind(document);
  document.createElement = ((name: string, options?: ElementCreationOptions) => {
    const made = make(name, options);
    if (made instanceof HTMLStyleElement) made.nonce = nonce;
    return made;
  }) as typeof document.createElement;
}
