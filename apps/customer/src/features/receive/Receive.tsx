import { unwrap } from "@huitong/kit";
import { useEffect, useState } from "react";
import { api } from "@/app/api";
import { payLink } from "@/app/links";
import { useLoaded } from "@/app/loaded";
import { useText } from "@/app/prefs";
import { Qr } from "@/app/Qr";
import { useCustomer } from "@/app/session";
import { Choice } from "@/app/Choice";
import { Action, Card, Failure, Field, Page, useAmount, Waiting } from "@/app/ui";
import { Copy } from "./Copy";
import { TEXTS } from "./texts";

function ReceiveCode() {
  const t = useText(TEXTS);
  const { account } = useCustomer();
  const [typed, setTyped] = useState("");
  const { money, wrong } = useAmount(typed);
  const link = payLink(account, money);
  return (
    <Card>
      <p className="lead center">{t("receive_note")}</p>
      <Qr text={link} label={t("qr_receive")} />
      <Field
        label={t("sum")}
        inputMode="decimal"
        value={typed}
        error={wrong}
        onChange={(event) => setTyped(event.target.value)}
      />
      <Copy text={link}>{t("share")}</Copy>
    </Card>
  );
}

function secondsUntil(at: string): number {
  return Math.max(0, Math.ceil((Date.parse(at) - Date.now()) / 1000));
}

function PayCode() {
  const t = useText(TEXTS);
  const customer = useCustomer();
  const [round, setRound] = useState(0);
  const [, setTick] = useState(0);
  const { data, error, isLoading, reload } = useLoaded(`code ${round}`, () =>
    unwrap(
      api.POST("/v1/customers/{customer}/payment-codes", {
        params: {
          path: { customer: customer.id },
          header: { "Idempotency-Key": crypto.randomUUID() },
        },
        body: {},
      }),
    ),
  );
  useEffect(() => {
    const timer = setInterval(() => setTick((before) => before + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  const seconds = data === null ? 0 : secondsUntil(data.expires_at);
  return (
    <Card>
      {error !== null && <Failure error={error} onRetry={reload} />}
      {isLoading && <Waiting lines={6} />}
      {data !== null && !isLoading && seconds > 0 && (
        <>
          <Qr text={data.code} label={t("qr_pay")} />
          <p className="lead center">{t("pay_note", { seconds })}</p>
        </>
      )}
      {data !== null && !isLoading && seconds === 0 && (
        <p role="status" className="center">
          {t("pay_over")}
        </p>
      )}
      <Action kind="plain" disabled={isLoading} onClick={() => setRound(round + 1)}>
        {t("new_code")}
      </Action>
    </Card>
  );
}

/** The two codes of a person: to be paid by others, and to be charged by a shop. */
export default function Receive() {
  const t = useText(TEXTS);
  const [side, setSide] = useState<"receive" | "pay">("receive");
  return (
    <Page title={t("title")} back="/">
      <Choice
        label={t("show")}
        value={side}
        options={[
          ["receive", t("receive")],
          ["pay", t("pay")],
        ]}
        onChange={setSide}
      />
      {side === "receive" ? <ReceiveCode /> : <PayCode />}
    </Page>
  );
}
