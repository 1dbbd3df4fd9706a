import { dayOf, fromMinor, showMoney } from "@huitong/kit";
import { lazy, Suspense, useState } from "react";
import { useLoaded } from "@/app/loaded";
import { useText } from "@/app/prefs";
import { useCustomer } from "@/app/session";
import { Card, Failure, Page, Waiting } from "@/app/ui";
import { loadLines, monthsUpTo, sumMonths } from "./months";
import { TEXTS } from "./texts";

const Bars = lazy(() => import("./Bars"));

const MONTHS = 6;

/** Each month's money in and out, as a picture and as a table. */
export default function Charts() {
  const t = useText(TEXTS);
  const { account } = useCustomer();
  const [months] = useState(() => monthsUpTo(dayOf(new Date()), MONTHS));
  const { data, error, isLoading, reload } = useLoaded(`months ${account}`, () =>
    loadLines(account, `${months[0] ?? ""}-01`),
  );
  const sums = data === null ? [] : sumMonths(data.lines, months);
  return (
    <Page title={t("charts")} back="/bills">
      {error !== null && <Failure error={error} onRetry={reload} />}
      {isLoading && <Waiting lines={8} />}
      {data !== null && (
        <Card>
          <p className="lead">{t("charts_note")}</p>
          {!data.isAll && <p role="status">{t("partial", { count: data.lines.length })}</p>}
          <Suspense fallback={<div className="chart" />}>
            <Bars months={sums} moneyIn={t("money_in")} moneyOut={t("money_out")} />
          </Suspense>
          <table className="table">
            <caption className="hidden">{t("charts_note")}</caption>
            <thead>
              <tr>
                <th scope="col">{t("month")}</th>
                <th scope="col">{t("money_in")}</th>
                <th scope="col">{t("money_out")}</th>
              </tr>
            </thead>
            <tbody>
              {[...sums].reverse().map(({ month, moneyIn, moneyOut }) => (
                <tr key={month}>
                  <th scope="row">{month}</th>
                  <td>{showMoney(fromMinor(moneyIn))}</td>
                  <td>{showMoney(fromMinor(moneyOut))}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Card>
      )}
    </Page>
  );
}
