import { showDay, showInstant, showMoney, unwrap } from "@huitong/kit";
import { useParams } from "react-router";
import { api } from "@/app/api";
import { describe, Effect, type Line } from "@/app/lines";
import { useLoaded } from "@/app/loaded";
import { usePrefs, useText } from "@/app/prefs";
import { useCustomer } from "@/app/session";
import { Card, Empty, Failure, Page, Waiting } from "@/app/ui";
import { Download } from "./Download";
import { TEXTS } from "./texts";

/** How many lines are looked through for one, a page at a time. */
const PAGES_MAX = 20;
const PAGE = 100;

async function findLine(account: string, transfer: string): Promise<Line | null> {
  let cursor: string | null = null;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const query: { cursor: string | null; limit: number } = { cursor, limit: PAGE };
    const params = { path: { account }, query };
    const answer = await unwrap(api.GET("/v1/accounts/{account}/statement", { params }));
    const found = answer.data.find((line) => line.transfer === transfer);
    if (found !== undefined) return found;
    cursor = answer.next_cursor;
    if (cursor === null) return null;
  }
  return null;
}

/** One line of the bills, with its receipt. */
export default function Bill() {
  const t = useText(TEXTS);
  const { language } = usePrefs();
  const { account } = useCustomer();
  const { transfer = "" } = useParams();
  const { data, error, isLoading, reload } = useLoaded(`bill ${transfer}`, () =>
    findLine(account, transfer),
  );
  return (
    <Page title={t("detail")} back="/bills">
      {error !== null && <Failure error={error} onRetry={reload} />}
      {isLoading && <Waiting lines={6} />}
      {!isLoading && error === null && data === null && (
        <Card>
          <Empty icon="list">{t("absent")}</Empty>
        </Card>
      )}
      {data !== null && (
        <Card>
          <p className="big">
            <Effect line={data} />
          </p>
          <dl className="facts">
            <div>
              <dt>{t("kind")}</dt>
              <dd>{describe(data, language)}</dd>
            </div>
            <div>
              <dt>{t("balance")}</dt>
              <dd>{showMoney(data.balance_after)}</dd>
            </div>
            <div>
              <dt>{t("other")}</dt>
              <dd>{data.other_account}</dd>
            </div>
            <div>
              <dt>{t("time")}</dt>
              <dd>{showInstant(data.recorded_at, language)}</dd>
            </div>
            <div>
              <dt>{t("day")}</dt>
              <dd>{showDay(data.effective_on, language)}</dd>
            </div>
            <div>
              <dt>{t("number")}</dt>
              <dd className="small">{data.transfer}</dd>
            </div>
          </dl>
          <Download
            address={`/v1/accounts/${account}/receipts/${transfer}`}
            name={`huitong-${transfer}.pdf`}
          >
            {t("receipt")}
          </Download>
        </Card>
      )}
    </Page>
  );
}
