import { ApiError, fromMinor, type Money, showDay, showMoney, toMinor, unwrap } from "@huitong/kit";
import { useState } from "react";
import { useParams } from "react-router";
import { api } from "@/app/api";
import { useLoaded } from "@/app/loaded";
import { useOnce } from "@/app/once";
import { usePrefs, useText } from "@/app/prefs";
import { Action, Card, Failure, Page, Waiting } from "@/app/ui";
import { showRate, TEXTS } from "./texts";

interface Repayment {
  loan: string;
  amount: Money;
  isPayoff: boolean;
}

function repay({ loan, amount, isPayoff }: Repayment, key: string) {
  const sent = {
    params: { path: { loan }, header: { "Idempotency-Key": key } },
    body: { amount },
  };
  return unwrap(
    isPayoff
      ? api.POST("/v1/loans/{loan}/payoffs", sent)
      : api.POST("/v1/loans/{loan}/repayments", sent),
  );
}

/** A loan: what is due, its payments, and paying it back. */
export default function Loan() {
  const t = useText(TEXTS);
  const { language } = usePrefs();
  const { loan = "" } = useParams();
  const params = { path: { loan } };
  const { data, error, reload } = useLoaded(`loan ${loan}`, async () => {
    const [found, schedule] = await Promise.all([
      unwrap(api.GET("/v1/loans/{loan}", { params })),
      unwrap(api.GET("/v1/loans/{loan}/schedule", { params })),
    ]);
    return { loan: found, schedule: schedule.data };
  });
  const once = useOnce<Repayment, { amount: Money }>(`repay ${loan}`, repay);
  const [repaid, setRepaid] = useState<Money | null>(null);
  const { pending } = once;

  async function send(repayment: Repayment) {
    const answer = await once.send(repayment);
    if (answer === null) return;
    setRepaid(answer.amount);
    reload();
  }

  return (
    <Page title={t("detail")} back="/loans">
      {error !== null && <Failure error={error} onRetry={reload} />}
      {data === null && error === null && <Waiting lines={6} />}
      <p role="status" className={repaid === null ? "hidden" : "notice notice-info"}>
        {repaid === null ? "" : t("repaid", { sum: showMoney(repaid) })}
      </p>
      {(once.error !== null || pending !== null) && (
        <Failure
          error={once.error ?? new ApiError("unknown", null)}
          money={t(pending === null ? "not_repaid" : "may_be_repaid")}
          {...(pending === null ? {} : { retry: t("ask_again"), onRetry: () => void send(pending) })}
        />
      )}
      {data !== null && (
        <>
          <Card title={t(data.loan.state)}>
            <p className="center">{t("owed")}</p>
            <p className="big">{showMoney(data.loan.owed_now)}</p>
            <dl className="facts">
              <div>
                <dt>{t("principal")}</dt>
                <dd>{showMoney(data.loan.principal)}</dd>
              </div>
              <div>
                <dt>{t("rate")}</dt>
                <dd>{showRate(data.loan.rate)}</dd>
              </div>
              {data.loan.next_due_on !== null && (
                <div>
                  <dt>{t("due_on")}</dt>
                  <dd>{showDay(data.loan.next_due_on, language)}</dd>
                </div>
              )}
            </dl>
            {data.loan.state === "active" && toMinor(data.loan.owed_now) > 0n && (
              <Action
                isBusy={once.isBusy}
                disabled={pending !== null}
                onClick={() => void send({ loan, amount: data.loan.owed_now, isPayoff: false })}
              >
                {t("repay", { sum: showMoney(data.loan.owed_now) })}
              </Action>
            )}
          </Card>
          {data.loan.state === "active" && (
            <Payoff
              loan={loan}
              isBusy={once.isBusy || pending !== null}
              onPay={(amount) => void send({ loan, amount, isPayoff: true })}
            />
          )}
          <Card title={t("schedule")}>
            <table className="table">
              <thead>
                <tr>
                  <th scope="col">{t("number")}</th>
                  <th scope="col">{t("due_on")}</th>
                  <th scope="col">{t("principal")}</th>
                  <th scope="col">{t("interest")}</th>
                </tr>
              </thead>
              <tbody>
                {data.schedule.map((payment) => (
                  <tr key={payment.number}>
                    <td>{payment.number}</td>
                    <td>{payment.due_on}</td>
                    <td>{showMoney(payment.principal)}</td>
                    <td>{showMoney(payment.interest)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Card>
        </>
      )}
    </Page>
  );
}

/** What it takes to be free of a loan today, and doing it. */
function Payoff({ loan, isBusy, onPay }: {
  loan: string;
  isBusy: boolean;
  onPay: (amount: Money) => void;
}) {
  const t = useText(TEXTS);
  const { data, error, reload } = useLoaded(`payoff ${loan}`, () =>
    unwrap(api.GET("/v1/loans/{loan}/payoff-quote", { params: { path: { loan } } })),
  );
  const [isAsked, setAsked] = useState(false);
  if (error !== null) return <Failure error={error} onRetry={reload} />;
  if (data === null) return <Waiting lines={2} />;
  const fee = fromMinor(toMinor(data.fees) + toMinor(data.early_fee) + toMinor(data.penalty));
  return (
    <Card title={t("payoff")}>
      <p>
        {t("payoff_note", {
          sum: showMoney(data.total),
          principal: showMoney(data.principal),
          interest: showMoney(data.interest),
          fee: showMoney(fee),
        })}
      </p>
      {isAsked ? (
        <Action isBusy={isBusy} onClick={() => onPay(data.total)}>
          {t("payoff_now", { sum: showMoney(data.total) })}
        </Action>
      ) : (
        <Action kind="plain" onClick={() => setAsked(true)}>
          {t("payoff")}
        </Action>
      )}
    </Card>
  );
}
