import { ApiError, showDay, unwrap } from "@huitong/kit";
import { useState } from "react";
import { api } from "@/app/api";
import { useLoaded } from "@/app/loaded";
import { usePrefs, useText } from "@/app/prefs";
import { useCustomer } from "@/app/session";
import { Action, Card, Failure, Field, Row, Rows, Waiting } from "@/app/ui";
import { type Key, TEXTS } from "./texts";

const KINDS = ["see", "copy", "correct", "delete", "object_automated", "close_account"] as const;
type Kind = (typeof KINDS)[number];

const BASE = "/v1/privacy/customers/{customer}/requests";

function save(content: unknown): void {
  const file = new Blob([JSON.stringify(content, null, 1)], { type: "application/json" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = "huitong-my-data.json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** What somebody asks about their data, and how far it has come. */
export function Requests() {
  const t = useText(TEXTS);
  const { language } = usePrefs();
  const { id } = useCustomer();
  const [wanted, setWanted] = useState<Kind | null>(null);
  const [name, setName] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [isFetched, setFetched] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const loaded = useLoaded("requests", () =>
    unwrap(api.GET(BASE, { params: { path: { customer: id } } })),
  );

  async function attempt(act: (key: { "Idempotency-Key": string }) => Promise<unknown>) {
    setBusy(true);
    setError(null);
    try {
      await act({ "Idempotency-Key": crypto.randomUUID() });
      setWanted(null);
      loaded.reload();
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setError(caught);
    } finally {
      setBusy(false);
    }
  }

  const ask = (kind: Kind) =>
    attempt((header) => {
      const corrections = kind === "correct" ? { name: name.trim() } : null;
      const params = { path: { customer: id }, header };
      return unwrap(api.POST(BASE, { params, body: { kind, corrections } }));
    });
  const takeBack = (request: string) =>
    attempt((header) => {
      const params = { path: { customer: id, subject_request: request }, header };
      return unwrap(api.POST(`${BASE}/{subject_request}/cancel`, { params, body: {} }));
    });
  const fetchCopy = (request: string) =>
    attempt(async () => {
      const params = { path: { customer: id, subject_request: request } };
      const asked = { params, body: {} };
      save((await unwrap(api.POST(`${BASE}/{subject_request}/download`, asked))).content);
      setFetched(true);
    });

  return (
    <Card title={t("requests")}>
      {loaded.error !== null && <Failure error={loaded.error} onRetry={loaded.reload} />}
      {loaded.data === null && loaded.error === null && <Waiting lines={2} />}
      <Rows>
        {loaded.data?.data.map((request) => (
          <Row
            key={request.id}
            title={t(request.kind as Key)}
            note={`${t(request.state as Key)} · ${t("due", { day: showDay(request.latest_on, language) })}`}
            {...(request.closed_at === null
              ? {
                  value: (
                    <button
                      type="button"
                      className="link"
                      onClick={() => void takeBack(request.id)}
                    >
                      {t("take_back")}
                    </button>
                  ),
                }
              : request.kind === "copy" && request.state === "done"
                ? {
                    value: (
                      <button
                        type="button"
                        className="link"
                        onClick={() => void fetchCopy(request.id)}
                      >
                        {t("fetch")}
                      </button>
                    ),
                  }
                : {})}
          />
        ))}
      </Rows>
      <p role="status">{isFetched ? t("fetched") : ""}</p>
      {error !== null && <Failure error={error} />}
      {wanted === null ? (
        <Rows>
          {KINDS.map((kind) => (
            <Row key={kind} title={t(kind)} onClick={() => setWanted(kind)} />
          ))}
        </Rows>
      ) : (
        <div className="stack" role="group" aria-label={t(wanted)}>
          {wanted === "correct" && (
            <Field
              label={t("new_name")}
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
          <p>{t("sure", { what: t(wanted) })}</p>
          <div className="pair">
            <Action
              isBusy={isBusy}
              disabled={wanted === "correct" && name.trim() === ""}
              onClick={() => void ask(wanted)}
            >
              {t("ask")}
            </Action>
            <Action kind="plain" onClick={() => setWanted(null)}>
              {t("leave")}
            </Action>
          </div>
        </div>
      )}
    </Card>
  );
}
