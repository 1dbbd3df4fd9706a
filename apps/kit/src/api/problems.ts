/** A problem as the API tells it (RFC 9457). */
export interface Problem {
  code: string;
  title: string;
  detail: string;
  status: number;
  field?: string;
  context?: Record<string, unknown>;
  errors?: { field: string; in: string; detail: string }[];
  request_id?: string;
}

/**
 * What is known after a request that failed.
 * - `refused`: the API has answered no; nothing was done.
 * - `unavailable`: the API could not take it or finish it (503, 429). Send it with the same key.
 * - `unknown`: no answer came, or a broken one; it may have been done. Ask with the same key.
 */
export type Outcome = "refused" | "unavailable" | "unknown";

export class ApiError extends Error {
  constructor(
    readonly outcome: Outcome,
    readonly problem: Problem | null,
    /** Seconds to wait before it is worth trying again, if the API named them. */
    readonly retryAfter: number | null = null,
  ) {
    super(problem?.detail ?? outcome);
    this.name = "ApiError";
  }

  get code(): string {
    return this.problem?.code ?? this.outcome;
  }

  /** Whether the session is over, so that only logging in helps. */
  get isSessionEnded(): boolean {
    return this.problem?.status === 401;
  }
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** Returns the data of an answer; throws an ApiError that says what is known of the request. */
export async function unwrap<T>(asked: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await asked;
  } catch {
    throw new ApiError("unknown", null);
  }
  if (answer.response.ok) return answer.data as T;
  throw readError(answer.response, answer.error);
}

/** Returns what is known after an answer that is no success. */
export function readError(response: Response, body: unknown): ApiError {
  const problem = isProblem(body) ? body : null;
  const header = response.headers.get("Retry-After");
  const retryAfter = header !== null && /^\d{1,6}$/u.test(header) ? Number(header) : null;
  return new ApiError(outcomeOf(response.status, problem), problem, retryAfter);
}

function outcomeOf(status: number, problem: Problem | null): Outcome {
  if (status === 503 || status === 429) return problem === null ? "unknown" : "unavailable";
  return status >= 500 || problem === null ? "unknown" : "refused";
}

function isProblem(body: unknown): body is Problem {
  return (
    typeof body === "object" &&
    body !== null &&
    typeof (body as Record<string, unknown>)["code"] === "string" &&
    typeof (body as Record<string, unknown>)["detail"] === "string"
  );
}
