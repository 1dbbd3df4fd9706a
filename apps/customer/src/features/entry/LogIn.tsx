import { ApiError, type components, unwrap } from "@huitong/kit";
import { useState } from "react";
import { api } from "@/app/api";
import { hasPasskeys, provePasskey } from "@/app/passkeys";
import { useText } from "@/app/prefs";
import { device, keepDevice, useSession } from "@/app/session";
import { Choice } from "@/app/Choice";
import { Action, Failure, Field } from "@/app/ui";
import { Code } from "./Code";
import { SecondFactor } from "./SecondFactor";
import { TEXTS } from "./texts";

type LoggedInView = components["schemas"]["LoggedInView"];

const delivery = "cookie" as const;

export function LogIn() {
  const t = useText(TEXTS);
  const { refresh } = useSession();
  const [way, setWay] = useState<"code" | "password">("code");
  const [mobile, setMobile] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState<ApiError | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [isHalf, setHalf] = useState(false);

  async function enter(ask: () => Promise<LoggedInView | null>) {
    setBusy(true);
    setError(null);
    try {
      const answer = await ask();
      if (answer === null) return;
      keepDevice(answer.device_token);
      if (answer.second_factor === null) await refresh();
      else setHalf(true);
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setError(caught);
    } finally {
      setBusy(false);
    }
  }

  async function askPasskey(): Promise<LoggedInView | null> {
    const challenge = await unwrap(api.POST("/v1/identity/passkey-challenges", { body: {} }));
    const credential = await provePasskey(challenge.public_key);
    if (credential === null) return null;
    const body = { delivery, device: device(), challenge_id: challenge.challenge_id, credential };
    return unwrap(api.POST("/v1/identity/sessions/by-passkey", { body }));
  }

  if (isHalf) return <SecondFactor onDone={() => void refresh()} />;
  return (
    <section className="card" aria-label={t("log_in")}>
      <Choice
        label={t("way")}
        value={way}
        options={[
          ["code", t("by_code")],
          ["password", t("by_password")],
        ]}
        onChange={setWay}
      />
      {way === "code" ? (
        <Code
          submit={t("log_in")}
          isBusy={isBusy}
          onProof={(proof) =>
            void enter(() =>
              unwrap(
                api.POST("/v1/identity/sessions/by-code", {
                  body: { delivery, device: device(), ...proof },
                }),
              ),
            )
          }
        />
      ) : (
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault();
            const body = { delivery, device: device(), mobile, password };
            void enter(() => unwrap(api.POST("/v1/identity/sessions/by-password", { body })));
          }}
        >
          <Field
            label={t("mobile")}
            type="tel"
            inputMode="numeric"
            autoComplete="username"
            maxLength={11}
            value={mobile}
            onChange={(event) => setMobile(event.target.value.trim())}
          />
          <Field
            label={t("password")}
            type="password"
            autoComplete="current-password"
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
          <Action submits isBusy={isBusy} disabled={mobile === "" || password === ""}>
            {t("log_in")}
          </Action>
        </form>
      )}
      {error !== null && <Failure error={error} />}
      {hasPasskeys() && (
        <Action kind="plain" disabled={isBusy} onClick={() => void enter(askPasskey)}>
          {t("by_passkey")}
        </Action>
      )}
    </section>
  );
}
