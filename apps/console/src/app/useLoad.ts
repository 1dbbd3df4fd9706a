import { type ApiError, unwrap } from "@huitong/kit";
import { useQuery, type UseQueryResult } from "@tanstack/react-query";

type Asked<T> = Parameters<typeof unwrap<T>>[0];

/** Loads something by name, anew every `seconds` if they are given while the page is looked at. */
export function useLoad<T>(
  name: readonly unknown[],
  ask: () => Asked<T>,
  { seconds, enabled = true }: { seconds?: number; enabled?: boolean } = {},
): UseQueryResult<T, ApiError> {
  return useQuery<T, ApiError>({
    queryKey: name,
    queryFn: () => unwrap(ask()),
    enabled,
    ...(seconds === undefined ? {} : { refetchInterval: seconds * 1000 }),
  });
}
