import { ApiError, unwrap } from "@huitong/kit";
import { useRef, useState } from "react";
import { api } from "@/app/api";
import { provePasskey } from "@/app/passkeys";

export type Factor = "pin" | "one_time_code" | "passkey";

interface Asked {
  kind: string;
  factors: Factor[];
}

/** Returns what a refusal asks to be proved; null if it asks for nothing. */
function askedBy(error: ApiError): Asked | null {
  const { act, factors } = error.problem?.context ?? {};
  if (error.code !== "step_up_required" || typeof act !== "string" || !Array.isArray(factors))
    return null;
  return { kind: act, factors: factors.map(String) as Factor[] };
}

/** What a guarded act is at, for whoever shows it. */
export interface Guarded {
  isBusy: boolean;
  error: ApiError | null;
  asked: Asked | null;
  isCodeSent: boolean;
  sendCode: () => Promise<void>;
  prove: (factor: Factor, secret: string) => Promise<void>;
}

/** An act that may ask for one more proof, and is done again after it. */
export function useGuarded<T>(onDone: (answer: T) => void) {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const [asked, setAsked] = useState<Asked | null>(null);
  const [stepUp, setStepUp] = useState<string | null>(null);
  const act = useRef<(() => Promise<T>) | null>(null);

  async function attempt(work: () => Promise<void>) {
    setBusy(true);
    setError(null);
    try {
      await work();
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      const wanted = askedBy(caught);
      if (wanted === null) setError(caught);
      else setAsked(wanted);
    } finally {
      setBusy(false);
    }
  }

  async function finish() {
    if (act.current === null) return;
    const answer = await act.current();
    setAsked(null);
    setStepUp(null);
    onDone(answer);
  }

  const run = (perform: () => Promise<T>) => {
    act.current = perform;
    return attempt(finish);
  };
  const begin = (kind: string, factor: Factor) =>
    unwrap(api.POST("/v1/identity/step-ups", { body: { act: { kind }, factor } }));
  const give = (id: string, body: { pin: string } | { code: string } | { credential: Record<string, unknown> }) =>
    unwrap(
      api.POST("/v1/identity/step-ups/{step_up}/proof", { params: { path: { step_up: id } }, body }),
    );

  const sendCode = () =>
    attempt(async () => {
      if (asked !== null) setStepUp((await begin(asked.kind, "one_time_code")).id);
    });
  const prove = (factor: Factor, secret: string) =>
    attempt(async () => {
      if (asked === null) return;
      if (factor === "one_time_code") {
        if (stepUp === null) return;
        await give(stepUp, { code: secret });
      } else {
        const begun = await begin(asked.kind, factor);
        if (factor === "pin") await give(begun.id, { pin: secret });
        else {
          const credential = await provePasskey(begun.public_key ?? {});
          if (credential === null) return;
          await give(begun.id, { credential });
        }
      }
      await finish();
    });
  return { run, isBusy, error, asked, isCodeSent: stepUp !== null, sendCode, prove };
}
