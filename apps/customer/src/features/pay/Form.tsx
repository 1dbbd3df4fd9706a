import { useState } from "react";
import { useText } from "@/app/prefs";
import { useCustomer } from "@/app/session";
import { COMMON } from "@/app/texts";
import { Action, Card, Field, Page, useAmount } from "@/app/ui";
import { type Order, readPayee } from "./payment";
import { TEXTS } from "./texts";

/** To whom and how much; filled in already by a code that was scanned, or a link. */
export function Form({ query, onOrder }: {
  query: URLSearchParams;
  onOrder: (order: Order) => void;
}) {
  const t = useText(TEXTS);
  const c = useText(COMMON);
  const { account } = useCustomer();
  const code = query.get("code");
  const merchant = query.get("name") ?? "";
  const [payee, setPayee] = useState(query.get("to") ?? "");
  const [amount, setAmount] = useState(query.get("amount") ?? "");
  const [note, setNote] = useState(query.get("note") ?? "");
  const [isTried, setTried] = useState(false);
  const { money, wrong } = useAmount(amount);
  const target = code === null ? readPayee(payee) : { code };

  function finish() {
    setTried(true);
    if (money === null || target === null) return;
    const description = note.trim() === "" ? {} : { description: note.trim() };
    const shown = code === null ? payee.trim() : merchant;
    onOrder({ payer: account, ...target, amount: money, ...description, shown });
  }

  return (
    <Page title={t("title")} back="/">
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          finish();
        }}
      >
        <Card>
          {code === null ? (
            <Field
              label={t("payee")}
              hint={t("payee_hint")}
              autoComplete="off"
              value={payee}
              error={isTried && target === null ? t("payee_wrong") : null}
              onChange={(event) => setPayee(event.target.value)}
            />
          ) : (
            <dl className="facts">
              <div>
                <dt>{t("merchant")}</dt>
                <dd>{merchant}</dd>
              </div>
            </dl>
          )}
          <div className="field-sum">
            <Field
              label={`${c("amount")} ¥`}
              inputMode="decimal"
              autoComplete="off"
              placeholder="0.00"
              value={amount}
              error={wrong ?? (isTried && money === null ? c("amount_shape") : null)}
              onChange={(event) => setAmount(event.target.value)}
            />
          </div>
          <Field
            label={t("note")}
            maxLength={60}
            value={note}
            onChange={(event) => setNote(event.target.value)}
          />
          <Action submits>{t("next")}</Action>
        </Card>
      </form>
    </Page>
  );
}
