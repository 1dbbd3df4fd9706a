import { ApiError } from "@huitong/kit";
import { useEffect, useState } from "react";
import { useText } from "@/app/prefs";
import { device, keepDevice, useSession } from "@/app/session";
import { Action, Failure, Waiting } from "@/app/ui";
import { type Applying, begin, enter, type Evidence, findState, handIn, proveNumber } from "./applying";
import { Code } from "./Code";
import { Person } from "./Person";
import { TEXTS } from "./texts";

const STEPS = 3;
const ASK_AGAIN_MS = 3000;

/** Opening an account: a number, who somebody is, and what the bank says. */
export default function SignUp() {
  const t = useText(TEXTS);
  const [applying, setApplying] = useState<Applying | null>(null);
  const [isIn, setIn] = useState(false);
  const [hasAgreed, setAgreed] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const [isBusy, setBusy] = useState(false);
  const step = applying === null ? 1 : isIn ? 3 : 2;

  async function attempt(act: () => Promise<void>) {
    setBusy(true);
    setError(null);
    try {
      await act();
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setError(caught);
    } finally {
      setBusy(false);
    }
  }

  async function prove(proof: { code_id: string; code: string }, mobile: string) {
    const proved = await proveNumber({ ...proof, device: device() }, mobile);
    setApplying(proved);
    const state = await begin(proved);
    if (state !== "draft") setIn(true);
  }

  async function send(evidence: Evidence) {
    if (applying === null) return;
    await handIn(applying, evidence);
    setIn(true);
  }

  return (
    <section className="card" aria-label={t("sign_up")}>
      <h2>{t("sign_up")}</h2>
      <p className="small">{t("step", { step, of: STEPS })}</p>
      {step === 1 && (
        <>
          <label className="check">
            <input
              type="checkbox"
              checked={hasAgreed}
              onChange={(event) => setAgreed(event.target.checked)}
            />
            <span>{t("consent")}</span>
          </label>
          {hasAgreed && (
            <Code
              submit={t("next")}
              isBusy={isBusy}
              onProof={(proof, mobile) => void attempt(() => prove(proof, mobile))}
            />
          )}
        </>
      )}
      {step === 2 && <Person isBusy={isBusy} onDone={(person) => void attempt(() => send(person))} />}
      {step === 3 && applying !== null && <Decision applying={applying} />}
      {error !== null && <Failure error={error} />}
    </section>
  );
}

/** Waits for what the bank says, and lets in whom it takes. */
function Decision({ applying }: { applying: Applying }) {
  const t = useText(TEXTS);
  const { refresh } = useSession();
  const [state, setState] = useState("checking");
  const [error, setError] = useState<ApiError | null>(null);
  const isOpen = state !== "approved" && state !== "refused";
  useEffect(() => {
    if (!isOpen) return;
    const ask = () =>
      void findState(applying).then(setState, (caught: unknown) => {
        // What is lost on the way is asked for again with the next beat.
        if (!(caught instanceof ApiError)) throw caught;
      });
    ask();
    const timer = setInterval(ask, ASK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [applying, isOpen]);

  async function goOn() {
    try {
      keepDevice(await enter(applying, device()));
      await refresh();
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setError(caught);
    }
  }

  if (state === "approved")
    return (
      <div className="stack" role="status">
        <p className="big">{t("approved")}</p>
        {error !== null && <Failure error={error} />}
        <Action onClick={() => void goOn()}>{t("enter")}</Action>
      </div>
    );
  return (
    <div className="stack" role="status">
      <p className="big">{t(isOpen ? "checking" : "refused")}</p>
      <p className="lead">{t(isOpen ? "checking_note" : "refused_note")}</p>
      {isOpen && <Waiting lines={2} />}
    </div>
  );
}

