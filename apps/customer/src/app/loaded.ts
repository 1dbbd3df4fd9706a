import { ApiError } from "@huitong/kit";
import { useCallback, useEffect, useRef, useState } from "react";

export interface Loaded<T> {
  data: T | null;
  error: ApiError | null;
  isLoading: boolean;
  reload: () => void;
}

/** Loads something for a page, again when `name` changes; an answer that comes too late is left. */
export function useLoaded<T>(name: string, load: () => Promise<T>): Loaded<T> {
  const [state, setState] = useState<{ name: string; data: T | null; error: ApiError | null }>({
    name: "",
    data: null,
    error: null,
  });
  const [round, setRound] = useState(0);
  const latest = useRef(load);
  useEffect(() => {
    latest.current = load;
  });
  useEffect(() => {
    let isWanted = true;
    latest.current().then(
      (data) => isWanted && setState({ name, data, error: null }),
      (error: unknown) => {
        const known = error instanceof ApiError ? error : new ApiError("unknown", null);
        if (isWanted) setState((before) => ({ ...before, name, error: known }));
      },
    );
    return () => {
      isWanted = false;
    };
  }, [name, round]);
  const reload = useCallback(() => {
    setState((before) => ({ ...before, name: "", error: null }));
    setRound((before) => before + 1);
  }, []);
  const isCurrent = state.name === name;
  return {
    data: state.data,
    error: isCurrent ? state.error : null,
    isLoading: !isCurrent,
    reload,
  };
}
