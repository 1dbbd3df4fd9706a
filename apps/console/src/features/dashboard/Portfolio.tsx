import type { Money } from "@huitong/kit";
import type { ReactNode } from "react";
import { api } from "@/app/api";
import { Part } from "@/app/PageFrame";
import { Amount, Loaded } from "@/app/Show";
import { fromMinor, toMinor } from "@huitong/kit";
import { useText } from "@/app/text";
import { useLoad } from "@/app/useLoad";
import { Tile } from "./Tile";

const SECONDS = 60;
const LOANS_SHOWN = 100;

function sum(amounts: readonly Money[]): Money {
  return fromMinor(amounts.reduce((total, each) => total + toMinor(each), 0n));
}

/** The newest loans at a glance: what is lent, owed and late. */
export default function Portfolio(): ReactNode {
  const t = useText();
  const loans = useLoad(["loans-at-a-glance"], () => api.GET("/v1/loans", { params: { query: { limit: LOANS_SHOWN } } }), {
    seconds: SECONDS,
  });
  return (
    <Part zh="贷款" en="Loans">
      <Loaded query={loans}>
        {({ data, next_cursor }) => {
          const active = data.filter((loan) => loan.state === "active" && loan.principal.currency === "CNY");
          const late = active.filter((loan) => loan.days_past_due > 0);
          return (
            <dl className="grid">
              <Tile
                name={t("在贷笔数", "Active loans")}
                note={next_cursor === null ? undefined : t(`最近 ${LOANS_SHOWN} 笔中`, `of the newest ${LOANS_SHOWN}`)}
              >
                {active.length}
              </Tile>
              <Tile name={t("在贷余额", "Owed")}>
                <Amount of={sum(active.map((loan) => loan.owed_now))} />
              </Tile>
              <Tile name={t("逾期笔数", "Late loans")}>{late.length}</Tile>
              <Tile name={t("逾期本金", "Overdue principal")}>
                <Amount of={sum(late.map((loan) => loan.overdue))} />
              </Tile>
            </dl>
          );
        }}
      </Loaded>
    </Part>
  );
}
