import { fromMinor, toMinor } from "@huitong/kit";
import type { ReactNode } from "react";
import { api, type Schema } from "@/app/api";
import { Part } from "@/app/PageFrame";
import { Amount, Loaded } from "@/app/Show";
import { useText } from "@/app/text";
import { useLoad } from "@/app/useLoad";
import { Tile } from "./Tile";

type Line = Schema["TrialBalanceLineView"];

const SECONDS = 30;
/** Codes of the chart: cash, central bank, other banks and reserves; and what customers may ask for. */
const FUNDS = ["1002", "1003", "1011", "1012", "1021"];
const CALLABLE = ["2011"];

function sum(lines: readonly Line[], codes: readonly string[]): bigint {
  return lines
    .filter((line) => codes.some((code) => line.chart_code.startsWith(code)))
    .reduce((total, line) => total + toMinor(line.balance), 0n);
}

/** What there is in cash against what customers and merchants may ask for, in each currency. */
export default function Liquidity(): ReactNode {
  const t = useText();
  const books = useLoad(["trial-balance"], () => api.GET("/v1/ledger/trial-balance"), { seconds: SECONDS });
  return (
    <Part zh="流动性" en="Liquidity">
      <Loaded query={books}>
        {({ data }) => (
          <dl className="grid">
            {data.map(({ currency, lines }) => {
              const [funds, callable] = [sum(lines, FUNDS), sum(lines, CALLABLE)];
              return (
                <Tile
                  key={currency}
                  name={t(`${currency} 备付与存放`, `${currency} at banks`)}
                  note={
                    <>
                      {t("客户与商户余额", "Customers and merchants")} <Amount of={fromMinor(callable, currency)} />
                    </>
                  }
                >
                  <Amount of={fromMinor(funds, currency)} />
                </Tile>
              );
            })}
          </dl>
        )}
      </Loaded>
    </Part>
  );
}
