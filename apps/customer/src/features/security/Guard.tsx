import { useState } from "react";
import { useText } from "@/app/prefs";
import { Action, Failure, Field } from "@/app/ui";
import type { Guarded } from "./guarded";
import { TEXTS } from "./texts";

/** What a guarded act asks for, and what went wrong with it. */
export function Guard({ guarded }: { guarded: Guarded }) {
  const t = useText(TEXTS);
  const [secret, setSecret] = useState("");
  const { asked, error, isBusy, isCodeSent } = guarded;
  const byPin = asked?.factors.includes("pin") === true;
  const byCode = !byPin && asked?.factors.includes("one_time_code") === true;
  return (
    <>
      {error !== null && <Failure error={error} />}
      {asked !== null && (
        <div className="stack">
          <p role="status" className="notice notice-info">
            {t("proof_note")}
          </p>
          {byCode && (
            <Action kind="plain" isBusy={isBusy} onClick={() => void guarded.sendCode()}>
              {t("code_send")}
            </Action>
          )}
          {(byPin || (byCode && isCodeSent)) && (
            <>
              <Field
                label={t(byPin ? "pin_old" : "code")}
                type={byPin ? "password" : "text"}
                inputMode="numeric"
                autoComplete="off"
                maxLength={6}
                value={secret}
                onChange={(event) => setSecret(event.target.value.trim())}
              />
              <Action
                isBusy={isBusy}
                disabled={secret.length !== 6}
                onClick={() => void guarded.prove(byPin ? "pin" : "one_time_code", secret)}
              >
                {t("prove")}
              </Action>
            </>
          )}
          {asked.factors.includes("passkey") && (
            <Action kind="plain" isBusy={isBusy} onClick={() => void guarded.prove("passkey", "")}>
              {t("passkeys")}
            </Action>
          )}
        </div>
      )}
    </>
  );
}
