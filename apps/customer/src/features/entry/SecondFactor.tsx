import { ApiError, unwrap } from "@huitong/kit";
import { useState } from "react";
import { api } from "@/app/api";
import { useText } from "@/app/prefs";
import { Action, Failure, Field } from "@/app/ui";
import { TEXTS } from "./texts";

/** One more proof for a log-in that risk found unusual. */
export function SecondFactor({ onDone }: { onDone: () => void }) {
  const t = useText(TEXTS);
  const [pin, setPin] = useState("");
  const [error, setError] = useState<ApiError | null>(null);
  const [isBusy, setBusy] = useState(false);

  async function prove() {
    setBusy(true);
    setError(null);
    try {
      const begun = await unwrap(
        api.POST("/v1/identity/step-ups", {
          body: { act: { kind: "identity.log_in" }, factor: "pin" },
        }),
      );
      const path = { step_up: begun.id };
      const proof = { params: { path }, body: { pin } };
      await unwrap(api.POST("/v1/identity/step-ups/{step_up}/proof", proof));
      onDone();
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setError(caught);
    } finally {
      setBusy(false);
    }
  }

  return (
    <form
      className="card"
      onSubmit={(event) => {
        event.preventDefault();
        void prove();
      }}
    >
      <h2>{t("second")}</h2>
      <p className="lead">{t("second_note")}</p>
      <Field
        label={t("pin")}
        type="password"
        inputMode="numeric"
        autoComplete="off"
        maxLength={6}
        value={pin}
        onChange={(event) => setPin(event.target.value)}
      />
      {error !== null && <Failure error={error} />}
      <Action submits isBusy={isBusy} disabled={pin.length !== 6}>
        {t("log_in")}
      </Action>
    </form>
  );
}
