import { ApiError, showMoney } from "@huitong/kit";
import { useState } from "react";
import { useSearchParams } from "react-router";
import { usePrefs, useText } from "@/app/prefs";
import { useOnce } from "@/app/once";
import { useCustomer } from "@/app/session";
import { Action, Card, Failure, Page } from "@/app/ui";
import { Form } from "./Form";
import { type Order, type Payment, proveOrder, sendOrder } from "./payment";
import { Proof } from "./Proof";
import { Result } from "./Result";
import { TEXTS } from "./texts";

const NEEDS_PROOF = new Set(["step_up_required", "payment_needs_step_up"]);

function Facts({ order }: { order: Order }) {
  const t = useText(TEXTS);
  const { account } = useCustomer();
  return (
    <>
      <p className="big">{showMoney(order.amount)}</p>
      <dl className="facts">
        <div>
          <dt>{t("to_whom")}</dt>
          <dd>{order.shown}</dd>
        </div>
        <div>
          <dt>{t("from")}</dt>
          <dd>•••• {account.slice(-4)}</dd>
        </div>
        {order.description !== undefined && (
          <div>
            <dt>{t("note")}</dt>
            <dd>{order.description}</dd>
          </div>
        )}
      </dl>
    </>
  );
}

/** Paying: to whom and how much, a look at it, a proof if it needs one, and what became of it. */
export default function Pay() {
  const t = useText(TEXTS);
  const { language } = usePrefs();
  const [query] = useSearchParams();
  const once = useOnce<Order, Payment>("pay", sendOrder);
  const [order, setOrder] = useState<Order | null>(null);
  const [paid, setPaid] = useState<{ payment: Payment; order: Order } | null>(null);
  const [proofError, setProofError] = useState<ApiError | null>(null);
  const [isProving, setProving] = useState(false);
  const { error, isBusy, pending } = once;
  const needsProof = error !== null && NEEDS_PROOF.has(error.code);

  async function pay(wanted: Order) {
    setOrder(wanted);
    const payment = await once.send(wanted);
    if (payment !== null) setPaid({ payment, order: wanted });
  }

  async function prove(pin: string | null) {
    if (order === null) return;
    setProving(true);
    setProofError(null);
    try {
      const step_up = await proveOrder(order, pin);
      if (step_up !== null) await pay({ ...order, step_up });
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setProofError(caught);
    } finally {
      setProving(false);
    }
  }

  if (paid !== null)
    return (
      <Page title={t("title")}>
        <Result payment={paid.payment} order={paid.order} />
      </Page>
    );
  if (isBusy && order !== null)
    return (
      <Page title={t("title")}>
        <Card>
          <Facts order={order} />
          <p role="status" className="center lead">
            {t("paying")}
          </p>
          <Action isBusy>{t("pay_now", { sum: showMoney(order.amount) })}</Action>
        </Card>
      </Page>
    );
  if (pending !== null) {
    const unclear = error ?? new ApiError("unknown", null);
    return (
      <Page title={t("title")} back="/">
        <Card title={t("waiting")}>
          <Facts order={pending} />
          <Failure
            error={unclear}
            money={t(unclear.isSessionEnded ? "ended" : "may_have")}
            retry={language === "zh" ? "查询结果" : "Ask what happened"}
            onRetry={() => void pay(pending)}
          />
          <p className="small">{t("forget_note")}</p>
          <Action kind="danger" onClick={once.forget}>
            {t("forget")}
          </Action>
        </Card>
      </Page>
    );
  }
  if (order === null) return <Form query={query} onOrder={setOrder} />;
  return (
    <Page title={t("check")} back="/">
      <Card>
        <Facts order={order} />
        {needsProof ? (
          <Proof
            factors={factorsOf(error)}
            error={proofError}
            isBusy={isProving}
            onProof={(pin) => void prove(pin)}
          />
        ) : (
          <>
            {error !== null && <Failure error={error} money={t("nothing_moved")} />}
            <p className="small center">{t("check_note")}</p>
            <Action onClick={() => void pay(order)}>
              {t("pay_now", { sum: showMoney(order.amount) })}
            </Action>
          </>
        )}
        <Action
          kind="plain"
          onClick={() => {
            once.clear();
            setOrder(null);
          }}
        >
          {t("change")}
        </Action>
      </Card>
    </Page>
  );
}

function factorsOf(error: ApiError): readonly string[] {
  const factors = error.problem?.context?.["factors"];
  return Array.isArray(factors) ? factors.map(String) : ["pin", "passkey"];
}
