import { ApiError, type components, showMoney, unwrap } from "@huitong/kit";
import { useEffect, useState } from "react";
import { api } from "@/app/api";
import { useText } from "@/app/prefs";
import { Action, Card, Failure } from "@/app/ui";
import { Sign } from "./Sign";
import { showRate, TEXTS } from "./texts";

type Application = components["schemas"]["LoanApplicationView"];
type Statement = components["schemas"]["CostStatementView"];

const BASE = "/v1/loan-applications/{loan_application}";

/** What a loan costs all in all: shown for as long as the rule says, and then to be confirmed. */
export function Cost({ application, onSigned }: {
  application: Application;
  onSigned: () => void;
}) {
  const t = useText(TEXTS);
  const [statement, setStatement] = useState<Statement | null>(null);
  const [seconds, setSeconds] = useState(0);
  const [isRead, setRead] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  useEffect(() => {
    if (seconds <= 0) return;
    const timer = setTimeout(() => setSeconds(seconds - 1), 1000);
    return () => clearTimeout(timer);
  }, [seconds]);

  async function attempt(act: (header: { "Idempotency-Key": string }) => Promise<void>) {
    setBusy(true);
    setError(null);
    try {
      await act({ "Idempotency-Key": crypto.randomUUID() });
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setError(caught);
    } finally {
      setBusy(false);
    }
  }

  const path = { loan_application: application.id };
  const show = () =>
    attempt(async (header) => {
      const params = { path, header };
      const shown = await unwrap(api.POST(`${BASE}/cost-statement`, { params, body: {} }));
      setStatement(shown);
      setSeconds(shown.read_at === null ? shown.reading_seconds : 0);
      setRead(shown.read_at !== null);
    });
  const confirm = () =>
    attempt(async (header) => {
      if (statement === null) return;
      const body = { sha256: statement.sha256 };
      await unwrap(api.POST(`${BASE}/reading`, { params: { path, header }, body }));
      setRead(true);
    });

  if (statement === null)
    return (
      <>
        {error !== null && <Failure error={error} money={t("not_lent")} />}
        <Action isBusy={isBusy} onClick={() => void show()}>
          {t("see_cost")}
        </Action>
      </>
    );
  return (
    <>
      <Card title={t("cost")}>
        <Costs statement={statement} />
        {error !== null && <Failure error={error} money={t("not_lent")} />}
        {!isRead && (
          <Action isBusy={isBusy} disabled={seconds > 0} onClick={() => void confirm()}>
            {seconds > 0 ? t("read_first", { seconds }) : t("have_read")}
          </Action>
        )}
      </Card>
      {isRead && <Sign application={application} onSigned={onSigned} />}
    </>
  );
}

function Costs({ statement }: { statement: Statement }) {
  const t = useText(TEXTS);
  return (
    <>
      <dl className="facts">
        <div>
          <dt>{t("principal")}</dt>
          <dd>{showMoney(statement.principal)}</dd>
        </div>
        <div>
          <dt>{t("total_cost")}</dt>
          <dd>
            <strong>{showMoney(statement.total_cost)}</strong>
          </dd>
        </div>
        <div>
          <dt>{t("nominal")}</dt>
          <dd>{showRate(statement.nominal_rate)}</dd>
        </div>
        <div>
          <dt>{t("effective")}</dt>
          <dd>{showRate(statement.effective_rate)}</dd>
        </div>
      </dl>
      {/* What scrolls must be reachable by the keyboard. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className="scroll" tabIndex={0} role="region" aria-label={t("schedule")}>
        <table className="table">
          <thead>
            <tr>
              <th scope="col">{t("due_on")}</th>
              <th scope="col">{t("principal")}</th>
              <th scope="col">{t("interest")}</th>
            </tr>
          </thead>
          <tbody>
            {statement.payments.map((payment) => (
              <tr key={payment.due_on}>
                <td>{payment.due_on}</td>
                <td>{showMoney(payment.principal)}</td>
                <td>{showMoney(payment.interest)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
