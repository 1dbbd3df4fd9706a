import { showInstant, unwrap } from "@huitong/kit";
import { useState } from "react";
import { api } from "@/app/api";
import { useLoaded } from "@/app/loaded";
import { usePrefs, useText } from "@/app/prefs";
import { Action, Card, Failure, Row, Rows, Waiting } from "@/app/ui";
import { Guard } from "./Guard";
import { useGuarded } from "./guarded";
import { TEXTS } from "./texts";

const METHODS = {
  one_time_code: "one_time_code",
  password: "by_password",
  passkey: "by_passkey",
} as const;

/** Where somebody is logged in, and how to end it. */
export function Sessions() {
  const t = useText(TEXTS);
  const { language } = usePrefs();
  const { data, error, reload } = useLoaded("sessions", () =>
    unwrap(api.GET("/v1/identity/sessions")),
  );
  const guarded = useGuarded<unknown>(reload);
  return (
    <Card title={t("sessions")}>
      {error !== null && <Failure error={error} onRetry={reload} />}
      {data === null && error === null && <Waiting lines={2} />}
      <Rows>
        {data?.data.map((session) => (
          <Row
            key={session.id}
            icon="person"
            title={t(METHODS[session.method])}
            note={t("last_seen", { at: showInstant(session.last_seen_at, language) })}
            value={
              session.is_current ? (
                <span className="badge">{t("current")}</span>
              ) : (
                <button
                  type="button"
                  className="link"
                  aria-label={t("end_what", { name: t(METHODS[session.method]) })}
                  onClick={() =>
                    void guarded.run(() =>
                      unwrap(
                        api.DELETE("/v1/identity/sessions/{session}", {
                          params: { path: { session: session.id } },
                        }),
                      ),
                    )
                  }
                >
                  {t("end")}
                </button>
              )
            }
          />
        ))}
      </Rows>
      <EndOthers onDone={reload} />
      <Guard guarded={guarded} />
    </Card>
  );
}

/** Ends every session but this one. */
export function EndOthers({ onDone, kind = "plain", text }: {
  onDone: () => void;
  kind?: "plain" | "danger";
  text?: string;
}) {
  const t = useText(TEXTS);
  const [ended, setEnded] = useState<number | null>(null);
  const guarded = useGuarded<{ ended: number }>((answer) => {
    setEnded(answer.ended);
    onDone();
  });
  return (
    <>
      <Action
        kind={kind}
        isBusy={guarded.isBusy}
        onClick={() =>
          void guarded.run(() => unwrap(api.POST("/v1/identity/sessions/end-others", { body: {} })))
        }
      >
        {text ?? t("end_others")}
      </Action>
      <Guard guarded={guarded} />
      <p role="status">{ended === null ? "" : t("ended", { count: ended })}</p>
    </>
  );
}

/** The devices that are known, and how to forget one. */
export function Devices() {
  const t = useText(TEXTS);
  const { language } = usePrefs();
  const { data, error, reload } = useLoaded("devices", () =>
    unwrap(api.GET("/v1/identity/devices")),
  );
  const guarded = useGuarded<unknown>(reload);
  return (
    <Card title={t("devices")}>
      {error !== null && <Failure error={error} onRetry={reload} />}
      {data === null && error === null && <Waiting lines={2} />}
      <Rows>
        {data?.data.map((device) => (
          <Row
            key={device.id}
            icon="card"
            title={device.name ?? t("unnamed")}
            note={t("last_seen", { at: showInstant(device.last_seen_at, language) })}
            value={
              device.is_current ? (
                <span className="badge">{t("current")}</span>
              ) : (
                <button
                  type="button"
                  className="link"
                  aria-label={t("remove_what", { name: device.name ?? t("unnamed") })}
                  onClick={() =>
                    void guarded.run(() =>
                      unwrap(
                        api.DELETE("/v1/identity/devices/{device}", {
                          params: { path: { device: device.id } },
                        }),
                      ),
                    )
                  }
                >
                  {t("remove")}
                </button>
              )
            }
          />
        ))}
      </Rows>
      <Guard guarded={guarded} />
    </Card>
  );
}
