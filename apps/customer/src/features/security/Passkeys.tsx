import { showInstant, unwrap } from "@huitong/kit";
import { api } from "@/app/api";
import { useLoaded } from "@/app/loaded";
import { hasPasskeys, makePasskey } from "@/app/passkeys";
import { usePrefs, useText } from "@/app/prefs";
import { device } from "@/app/session";
import { Action, Card, Failure, Row, Rows, Waiting } from "@/app/ui";
import { Guard } from "./Guard";
import { useGuarded } from "./guarded";
import { TEXTS } from "./texts";

async function addPasskey(): Promise<void> {
  const options = await unwrap(api.POST("/v1/identity/passkeys/options", { body: {} }));
  const credential = await makePasskey(options.public_key);
  if (credential === null) return;
  const { challenge_id } = options;
  const body = { challenge_id, credential, name: device().name };
  await unwrap(api.POST("/v1/identity/passkeys", { body }));
}

/** Passkeys: those that there are, and a new one. */
export function Passkeys() {
  const t = useText(TEXTS);
  const { language } = usePrefs();
  const { data, error, isLoading, reload } = useLoaded("passkeys", () =>
    unwrap(api.GET("/v1/identity/passkeys")),
  );
  const guarded = useGuarded<unknown>(reload);
  return (
    <Card title={t("passkeys")}>
      <p className="small">{t("passkeys_note")}</p>
      {error !== null && <Failure error={error} onRetry={reload} />}
      {isLoading && data === null && <Waiting lines={2} />}
      {data?.data.length === 0 && <p>{t("no_passkey")}</p>}
      <Rows>
        {data?.data.map((passkey) => (
          <Row
            key={passkey.id}
            icon="lock"
            title={passkey.name ?? t("unnamed")}
            note={showInstant(passkey.created_at, language)}
            value={
              <button
                type="button"
                className="link"
                aria-label={t("remove_what", { name: passkey.name ?? t("unnamed") })}
                onClick={() =>
                  void guarded.run(() =>
                    unwrap(
                      api.DELETE("/v1/identity/passkeys/{passkey}", {
                        params: { path: { passkey: passkey.id } },
                      }),
                    ),
                  )
                }
              >
                {t("remove")}
              </button>
            }
          />
        ))}
      </Rows>
      {hasPasskeys() && (
        <Action kind="plain" isBusy={guarded.isBusy} onClick={() => void guarded.run(addPasskey)}>
          {t("add_passkey")}
        </Action>
      )}
      <Guard guarded={guarded} />
    </Card>
  );
}
