import { type Money, showInstant, showMoney, toMinor, unwrap } from "@huitong/kit";
import { api } from "@/app/api";
import type { IconName } from "@/app/icons";
import { useLoaded } from "@/app/loaded";
import { usePrefs, useText } from "@/app/prefs";
import { useCustomer } from "@/app/session";
import { Card, Empty, Failure, Page, Row, Rows, Waiting } from "@/app/ui";
import { TEXTS } from "./texts";

interface Message {
  id: string;
  text: keyof typeof TEXTS;
  sum: Money | null;
  at: string;
  icon: IconName;
  to: string;
}

const LATEST = 30;

/** Returns what happened that concerns somebody, newest first. */
async function loadMessages(account: string): Promise<Message[]> {
  const [lines, payments, applications, loans] = await Promise.all([
    unwrap(
      api.GET("/v1/accounts/{account}/statement", {
        params: { path: { account }, query: { limit: LATEST } },
      }),
    ),
    unwrap(api.GET("/v1/payments", { params: { query: { account, limit: LATEST } } })),
    unwrap(api.GET("/v1/loan-applications")),
    unwrap(api.GET("/v1/loans")),
  ]);
  const found: Message[] = [];
  for (const line of lines.data)
    if (line.side === "credit")
      found.push({
        id: line.transfer,
        text: "money_in",
        sum: line.amount,
        at: line.recorded_at,
        icon: "receive",
        to: `/bills/${line.transfer}`,
      });
  for (const { id, status, amount, created_at, payer } of payments.data)
    if (status === "held" && payer === account)
      found.push({ id, text: "held", sum: amount, at: created_at, icon: "clock", to: "/bills" });
  for (const { id, stage, offer, changed_at } of applications.data) {
    const to = `/loans/applications/${id}`;
    if (stage === "offered" || stage === "review")
      found.push({
        id,
        text: stage === "offered" ? "offer" : "review",
        sum: offer?.amount ?? null,
        at: changed_at,
        icon: "loan",
        to,
      });
  }
  for (const { id, owed_now, on } of loans.data)
    if (toMinor(owed_now) > 0n)
      found.push({
        id,
        text: "due",
        sum: owed_now,
        at: `${on}T00:00:00+08:00`,
        icon: "warn",
        to: `/loans/${id}`,
      });
  return found.sort((one, other) => Date.parse(other.at) - Date.parse(one.at));
}

/** What happened, and what waits for the person. */
export default function Messages() {
  const t = useText(TEXTS);
  const { language } = usePrefs();
  const { account } = useCustomer();
  const { data, error, reload } = useLoaded("messages", () => loadMessages(account));
  return (
    <Page title={t("title")} back="/">
      {error !== null && <Failure error={error} onRetry={reload} />}
      {data === null && error === null && <Waiting lines={6} />}
      {data !== null && (
        <Card>
          {data.length === 0 && <Empty icon="bell">{t("none")}</Empty>}
          <Rows>
            {data.map(({ id, text, sum, at, icon, to }) => (
              <Row
                key={id}
                icon={icon}
                title={t(text, sum === null ? {} : { sum: showMoney(sum) })}
                note={showInstant(at, language)}
                to={to}
              />
            ))}
          </Rows>
        </Card>
      )}
    </Page>
  );
}
