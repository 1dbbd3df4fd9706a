import { unwrap } from "@huitong/kit";
import { useState } from "react";
import { api } from "@/app/api";
import { useText } from "@/app/prefs";
import { Action, Card, Field } from "@/app/ui";
import { Guard } from "./Guard";
import { useGuarded } from "./guarded";
import { TEXTS } from "./texts";

/** The PIN that proves large payments. */
export function Pin() {
  const t = useText(TEXTS);
  const [pin, setPin] = useState("");
  const [isSaved, setSaved] = useState(false);
  const guarded = useGuarded<unknown>(() => {
    setSaved(true);
    setPin("");
  });
  return (
    <Card title={t("pin")}>
      <p className="small">{t("pin_note")}</p>
      <Field
        label={t("pin_new")}
        type="password"
        inputMode="numeric"
        autoComplete="off"
        maxLength={6}
        value={pin}
        onChange={(event) => {
          setSaved(false);
          setPin(event.target.value.replaceAll(/\D/gu, ""));
        }}
      />
      <Action
        isBusy={guarded.isBusy}
        disabled={pin.length !== 6}
        onClick={() =>
          void guarded.run(() => unwrap(api.PUT("/v1/identity/pin", { body: { pin } })))
        }
      >
        {t("save")}
      </Action>
      <Guard guarded={guarded} />
      <p role="status">{isSaved ? t("saved") : ""}</p>
    </Card>
  );
}

/** The password to log in with. */
export function Password() {
  const t = useText(TEXTS);
  const [now, setNow] = useState("");
  const [next, setNext] = useState("");
  const [isSaved, setSaved] = useState(false);
  const guarded = useGuarded<unknown>(() => {
    setSaved(true);
    setNow("");
    setNext("");
  });
  const body = { current_password: now === "" ? null : now, new_password: next };
  return (
    <Card title={t("password")}>
      <Field
        label={t("password_now")}
        type="password"
        autoComplete="current-password"
        value={now}
        onChange={(event) => setNow(event.target.value)}
      />
      <Field
        label={t("password_new")}
        type="password"
        autoComplete="new-password"
        value={next}
        onChange={(event) => {
          setSaved(false);
          setNext(event.target.value);
        }}
      />
      <Action
        isBusy={guarded.isBusy}
        disabled={next === ""}
        onClick={() => void guarded.run(() => unwrap(api.PUT("/v1/identity/password", { body })))}
      >
        {t("save")}
      </Action>
      <Guard guarded={guarded} />
      <p role="status">{isSaved ? t("saved") : ""}</p>
    </Card>
  );
}
