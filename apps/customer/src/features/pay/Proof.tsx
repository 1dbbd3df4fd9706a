import type { ApiError } from "@huitong/kit";
import { useState } from "react";
import { Link } from "react-router";
import { useText } from "@/app/prefs";
import { Action, Failure, Field } from "@/app/ui";
import { TEXTS } from "./texts";

/** One more proof before a payment: the PIN or a passkey. */
export function Proof({ factors, error, isBusy, onProof }: {
  factors: readonly string[];
  error: ApiError | null;
  isBusy: boolean;
  onProof: (pin: string | null) => void;
}) {
  const t = useText(TEXTS);
  const [pin, setPin] = useState("");
  return (
    <form
      className="stack"
      aria-label={t("pin_title")}
      onSubmit={(event) => {
        event.preventDefault();
        onProof(pin);
      }}
    >
      <p role="status" className="notice notice-info">
        {t("pin_note")}
      </p>
      <Field
        label={t("pin")}
        type="password"
        inputMode="numeric"
        autoComplete="off"
        maxLength={6}
        value={pin}
        onChange={(event) => setPin(event.target.value.replaceAll(/\D/gu, ""))}
      />
      {error !== null && <Failure error={error} money={t("nothing_moved")} />}
      <Action submits isBusy={isBusy} disabled={pin.length !== 6}>
        {t("pin_title")}
      </Action>
      {factors.includes("passkey") && (
        <Action kind="plain" disabled={isBusy} onClick={() => onProof(null)}>
          {t("use_passkey")}
        </Action>
      )}
      <Link to="/security">{t("no_pin")}</Link>
    </form>
  );
}
