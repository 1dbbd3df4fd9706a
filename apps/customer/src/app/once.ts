import { Act, ApiError } from "@huitong/kit";
import { useCallback, useMemo, useRef, useState } from "react";

interface Once<Content, T> {
  /** Sends the act; a second call meanwhile is the same tap, and does nothing. */
  send: (content: Content) => Promise<T | null>;
  isBusy: boolean;
  error: ApiError | null;
  clear: () => void;
  /** What was sent and not answered, even before the page was loaded again. */
  pending: Content | null;
  forget: () => void;
}

/** Sends an act that may be done once only, under a key that stays until the API has answered. */
export function useOnce<Content, T>(
  name: string,
  perform: (content: Content, key: string) => Promise<T>,
): Once<Content, T> {
  const act = useMemo(() => new Act(name), [name]);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const [pending, setPending] = useState(() => act.pending as Content | null);
  const isSending = useRef(false);
  const send = useCallback(
    async (content: Content): Promise<T | null> => {
      if (isSending.current) return null;
      isSending.current = true;
      setBusy(true);
      setError(null);
      try {
        const answer = await perform(content, act.keyFor(content));
        act.settle();
        return answer;
      } catch (caught) {
        const known = caught instanceof ApiError ? caught : new ApiError("unknown", null);
        // Without a session the API looked at nothing: an earlier try may still have been done.
        if (known.outcome === "refused" && !known.isSessionEnded) act.settle();
        setError(known);
        return null;
      } finally {
        isSending.current = false;
        setBusy(false);
        setPending(act.pending as Content | null);
      }
    },
    [act, perform],
  );
  const clear = useCallback(() => setError(null), []);
  const forget = useCallback(() => {
    act.settle();
    setPending(null);
    setError(null);
  }, [act]);
  return { send, isBusy, error, clear, pending, forget };
}
