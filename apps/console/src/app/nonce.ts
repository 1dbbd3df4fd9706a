/** How a document makes elements; its own type lists what is deprecated first. */
type Make = (name: string, options?: ElementCreationOptions) => HTMLElement;

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
  const plain: Make = Reflect.get<Document, "createElement">(document, "createElement");
  const make = plain.bind(document);
  const makeMarked: Make = (name, options) => {
    const made = make(name, options);
    if (made instanceof HTMLStyleElement) made.nonce = nonce;
    return made;
  };
  Reflect.set(document, "createElement", makeMarked);
}
