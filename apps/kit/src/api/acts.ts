/** Where the keys of acts are kept: for as long as the page's tab is open, reloads included. */
type Store = Pick<Storage, "getItem" | "setItem" | "removeItem">;

const PREFIX = "huitong.act.";

/**
 * An act that may be done once only, such as a payment that somebody has confirmed. It keeps its
 * Idempotency-Key until the API has said yes or no: however often it is sent, by a double tap,
 * after a lost answer or after the page was loaded again, the API does it once.
 */
export class Act {
  constructor(
    private readonly name: string,
    private readonly store: Store = sessionStorage,
  ) {}

  /** Returns the key of the act with just this content; other content is another act. */
  keyFor(content: unknown): string {
    const text = JSON.stringify(content);
    const kept = this.read();
    if (kept?.content === text) return kept.key;
    const key = crypto.randomUUID();
    this.store.setItem(PREFIX + this.name, JSON.stringify({ key, content: text }));
    return key;
  }

  /** Whether an act was sent of which no answer has come yet. */
  get isPending(): boolean {
    return this.read() !== null;
  }

  /** What was sent last and not answered, to be sent again just so; null if nothing waits. */
  get pending(): unknown {
    const kept = this.read();
    return kept === null ? null : (JSON.parse(kept.content) as unknown);
  }

  /** Forgets the key: the API has answered, and the next act is a new one. */
  settle(): void {
    this.store.removeItem(PREFIX + this.name);
  }

  private read(): { key: string; content: string } | null {
    const text = this.store.getItem(PREFIX + this.name);
    if (text === null) return null;
    try {
      const kept: unknown = JSON.parse(text);
      if (typeof kept !== "object" || kept === null) return null;
      const { key, content } = kept as Record<string, unknown>;
      return typeof key === "string" && typeof content === "string" ? { key, content } : null;
    } catch {
      return null;
    }
  }
}
