import { ApiError, type components, showMoney, unwrap } from "@huitong/kit";
import { useState } from "react";
import { api } from "@/app/api";
import { useLoaded } from "@/app/loaded";
import { useOnce } from "@/app/once";
import { useText } from "@/app/prefs";
import { useCustomer } from "@/app/session";
import { Action, Card, Failure, Field, Waiting } from "@/app/ui";
import { TEXTS } from "./texts";

type Application = components["schemas"]["LoanApplicationView"];

const BASE = "/v1/loan-applications/{loan_application}";

interface Signature {
  application: string;
  sha256: string;
  step_up: string;
}

function sign({ application, ...body }: Signature, key: string): Promise<Application> {
  const params = { path: { loan_application: application }, header: { "Idempotency-Key": key } };
  return unwrap(api.POST(`${BASE}/signature`, { params, body }));
}

/** The contract, and signing it with one more factor; the money comes at once or not at all. */
export function Sign({ application, onSigned }: {
  application: Application;
  onSigned: () => void;
}) {
  const t = useText(TEXTS);
  const { account } = useCustomer();
  const [stepUp, setStepUp] = useState<string | null>(null);
  const [code, setCode] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const once = useOnce<Signature, Application>(`sign ${application.id}`, sign);
  const path = { loan_application: application.id };
  const contract = useLoaded(`contract ${application.id}`, () =>
    unwrap(api.GET(`${BASE}/contract`, { params: { path } })),
  );
  const { offer, id } = application;
  const trouble = once.error ?? error ?? (once.pending === null ? null : new ApiError("unknown", null));

  async function attempt(act: () => Promise<void>) {
    setBusy(true);
    setError(null);
    try {
      await act();
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setError(caught);
    } finally {
      setBusy(false);
    }
  }

  const sendCode = () =>
    attempt(async () => {
      const payee = contract.data?.sha256 ?? null;
      const act = { kind: "lending.sign", amount: offer?.amount ?? null, payer: account, payee };
      const body = { act, factor: "one_time_code" as const };
      setStepUp((await unwrap(api.POST("/v1/identity/step-ups", { body }))).id);
    });
  const send = async (signature: Signature) => {
    if ((await once.send(signature)) !== null) onSigned();
  };
  const finish = () =>
    attempt(async () => {
      if (stepUp === null || contract.data === null) return;
      const params = { path: { step_up: stepUp } };
      await unwrap(api.POST("/v1/identity/step-ups/{step_up}/proof", { params, body: { code } }));
      await send({ application: id, sha256: contract.data.sha256, step_up: stepUp });
    });

  if (contract.error !== null) return <Failure error={contract.error} onRetry={contract.reload} />;
  if (contract.data === null || offer === null) return <Waiting lines={3} />;
  const { pending } = once;
  return (
    <Card title={t("contract")}>
      <p className="small">{t("contract_note", { hash: contract.data.sha256.slice(0, 16) })}</p>
      {trouble !== null && (
        <Failure
          error={trouble}
          money={t(pending === null ? "not_lent" : "may_be_lent")}
          {...(pending === null ? {} : { retry: t("ask_again"), onRetry: () => void send(pending) })}
        />
      )}
      {pending === null && (
        <>
          <Action kind="plain" isBusy={isBusy && stepUp === null} onClick={() => void sendCode()}>
            {t("send_code")}
          </Action>
          {stepUp !== null && (
            <>
              <Field
                label={t("code")}
                inputMode="numeric"
                autoComplete="one-time-code"
                maxLength={6}
                value={code}
                onChange={(event) => setCode(event.target.value.trim())}
              />
              <Action
                isBusy={isBusy || once.isBusy}
                disabled={code.length !== 6}
                onClick={() => void finish()}
              >
                {t("sign", { sum: showMoney(offer.amount) })}
              </Action>
            </>
          )}
        </>
      )}
    </Card>
  );
}
