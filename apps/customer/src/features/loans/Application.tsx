import { ApiError, type components, showDay, showMoney, unwrap } from "@huitong/kit";
import { useState } from "react";
import { useParams } from "react-router";
import { api } from "@/app/api";
import { useLoaded } from "@/app/loaded";
import { usePrefs, useText } from "@/app/prefs";
import { Action, Card, Failure, Field, Page, Row, Waiting } from "@/app/ui";
import { Cost } from "./Cost";
import { showRate, TEXTS } from "./texts";

type View = components["schemas"]["LoanApplicationView"];

const BASE = "/v1/loan-applications/{loan_application}";

/** An application, from the review to the money. */
export default function Application() {
  const t = useText(TEXTS);
  const { language } = usePrefs();
  const { application = "" } = useParams();
  const { data, error, reload } = useLoaded(`application ${application}`, () =>
    unwrap(api.GET(BASE, { params: { path: { loan_application: application } } })),
  );
  const reasons = data?.reasons ?? [];
  return (
    <Page title={t("progress")} back="/loans">
      {error !== null && <Failure error={error} onRetry={reload} />}
      {data === null && error === null && <Waiting lines={5} />}
      {data !== null && (
        <>
          <Card title={t(data.stage)}>
            {data.stage === "review" && <p className="lead">{t("review_note")}</p>}
            {data.stage === "lent" && data.loan !== null && (
              <ul>
                <Row title={t("to_loan")} to={`/loans/${data.loan}`} />
              </ul>
            )}
            {data.stage === "offered" && data.offer !== null && (
              <>
                <p className="center">{t("offer")}</p>
                <p className="big">{showMoney(data.offer.amount)}</p>
                <dl className="facts">
                  <div>
                    <dt>{t("rate")}</dt>
                    <dd>{showRate(data.offer.rate)}</dd>
                  </div>
                  <div>
                    <dt>{t("payments")}</dt>
                    <dd>{data.offer.payments}</dd>
                  </div>
                  {data.offer_until !== null && (
                    <div>
                      <dt>{t("until")}</dt>
                      <dd>{showDay(data.offer_until, language)}</dd>
                    </div>
                  )}
                </dl>
              </>
            )}
            {reasons.length > 0 && data.stage !== "offered" && (
              <section aria-label={t("reasons")} className="stack">
                {reasons.map((reason) => (
                  <p key={reason.code} className="small">
                    {reason[language]}
                  </p>
                ))}
              </section>
            )}
          </Card>
          {data.stage === "offered" && <Cost application={data} onSigned={reload} />}
          <Ways application={data} onDone={reload} />
        </>
      )}
    </Page>
  );
}

/** What else can be done with an application: withdraw it, or appeal. */
function Ways({ application, onDone }: { application: View; onDone: () => void }) {
  const t = useText(TEXTS);
  const [words, setWords] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const { stage, has_appealed, id } = application;
  const canWithdraw = ["draft", "review", "offered"].includes(stage);
  const canAppeal = stage === "refused" && !has_appealed && !application.is_decided_by_person;

  async function attempt(act: (header: { "Idempotency-Key": string }) => Promise<unknown>) {
    setBusy(true);
    setError(null);
    try {
      await act({ "Idempotency-Key": crypto.randomUUID() });
      onDone();
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setError(caught);
    } finally {
      setBusy(false);
    }
  }

  const path = { loan_application: id };
  return (
    <>
      {error !== null && <Failure error={error} />}
      {canAppeal && (
        <Card>
          <Field
            label={t("appeal_words")}
            value={words}
            onChange={(event) => setWords(event.target.value)}
          />
          <Action
            isBusy={isBusy}
            disabled={words.trim() === ""}
            onClick={() =>
              void attempt((header) =>
                unwrap(
                  api.POST(`${BASE}/appeal`, {
                    params: { path, header },
                    body: { words: words.trim() },
                  }),
                ),
              )
            }
          >
            {t("appeal")}
          </Action>
        </Card>
      )}
      {canWithdraw && (
        <Action
          kind="danger"
          isBusy={isBusy}
          onClick={() =>
            void attempt((header) =>
              unwrap(api.POST(`${BASE}/withdrawal`, { params: { path, header }, body: {} })),
            )
          }
        >
          {t("withdraw")}
        </Action>
      )}
    </>
  );
}
