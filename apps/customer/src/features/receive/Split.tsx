import { allocate, fromMinor, showMoney, toMinor } from "@huitong/kit";
import { useState } from "react";
import { payLink } from "@/app/links";
import { useText } from "@/app/prefs";
import { Qr } from "@/app/Qr";
import { useCustomer } from "@/app/session";
import { Card, Field, Page, useAmount } from "@/app/ui";
import { Copy } from "./Copy";
import { TEXTS } from "./texts";

const PEOPLE_MAX = 20;

/** Shares of what somebody has paid for all: a link for each of the others. */
export default function Split() {
  const t = useText(TEXTS);
  const { account } = useCustomer();
  const [total, setTotal] = useState("");
  const [people, setPeople] = useState("2");
  const { money, wrong } = useAmount(total);
  const count = /^\d{1,2}$/u.test(people) ? Number(people) : 0;
  const isCount = count >= 2 && count <= PEOPLE_MAX;
  const isEnough = money !== null && toMinor(money) >= BigInt(count);
  const shares = money !== null && isCount && isEnough ? allocate(toMinor(money), count) : [];
  // Who paid for all bears the smallest share, so that the cents left over come back to them.
  const own = shares.at(-1);
  return (
    <Page title={t("split")} back="/">
      <Card>
        <p className="lead">{t("split_lead")}</p>
        <div className="field-sum">
          <Field
            label={`${t("total")} ¥`}
            inputMode="decimal"
            placeholder="0.00"
            value={total}
            error={wrong}
            onChange={(event) => setTotal(event.target.value)}
          />
        </div>
        <Field
          label={t("people")}
          inputMode="numeric"
          maxLength={2}
          value={people}
          error={isCount ? null : t("people_wrong")}
          onChange={(event) => setPeople(event.target.value.trim())}
        />
      </Card>
      {own !== undefined && (
        <Card>
          <dl className="facts">
            <div>
              <dt>{t("your_share")}</dt>
              <dd>{showMoney(fromMinor(own))}</dd>
            </div>
          </dl>
        </Card>
      )}
      {shares.slice(0, -1).map((share, index) => {
        const link = payLink(account, fromMinor(share), t("note"));
        return (
          <Card key={index} title={t("person", { number: index + 1 })}>
            <p className="big">{showMoney(fromMinor(share))}</p>
            {shares.length <= 3 && <Qr text={link} label={t("person", { number: index + 1 })} />}
            <Copy text={link}>{t("copy")}</Copy>
          </Card>
        );
      })}
    </Page>
  );
}
