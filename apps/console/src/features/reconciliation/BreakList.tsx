import type { ReactNode } from "react";
import { api, type Schema } from "@/app/api";
import { type Column, DataTable } from "@/app/DataTable";
import type { Filter } from "@/app/FilterBar";
import { PageFrame, Part } from "@/app/PageFrame";
import { Rows } from "@/app/Rows";
import { Amount, Id, Instant, Loaded, Nothing, State } from "@/app/Show";
import { usePreferences, useText } from "@/app/text";
import { useLoad } from "@/app/useLoad";

type Break = Schema["huitong__api__schemas__reconciliation__BreakView"];

const FILTERS: readonly Filter[] = [
  { key: "day", zh: "业务日", en: "Day", type: "day" },
  { key: "ended", zh: "已了结", en: "Ended", options: ["true", "false"] },
];

function Kind({ of }: { of: Break }): ReactNode {
  const { language } = usePreferences();
  return language === "zh" ? of.kind_zh : of.kind_en;
}

const COLUMNS: readonly Column<Break>[] = [
  { key: "id", zh: "差错", en: "Break", value: (row) => row.id, render: (row) => <Id id={row.id} to={`/breaks/${row.id}`} /> },
  { key: "kind", zh: "种类", en: "Kind", value: (row) => row.kind, render: (row) => <Kind of={row} /> },
  { key: "state", zh: "状态", en: "State", value: (row) => row.state, render: (row) => <State of={row.state} /> },
  { key: "day", zh: "业务日", en: "Day", value: (row) => row.day },
  { key: "channel", zh: "渠道", en: "Channel", value: (row) => row.channel },
  { key: "amount", zh: "金额", en: "Amount", align: "right", value: (row) => row.amount.amount, render: (row) => <Amount of={row.amount} /> },
  { key: "age_days", zh: "账龄（天）", en: "Days old", align: "right", value: (row) => row.age_days },
  { key: "is_overdue", zh: "超期", en: "Overdue", value: (row) => (row.is_overdue ? "!" : "–") },
  { key: "owner", zh: "经办人", en: "Owner", value: (row) => row.owner, render: (row) => <Id id={row.owner} /> },
];

export function Page(): ReactNode {
  const t = useText();
  return (
    <PageFrame zh="对账差错" en="Reconciliation" lead={t("我们与渠道、与总账不一致之处。", "Where channels or the ledger do not agree with our orders.")}>
      <Part zh="差错" en="Breaks">
        <DataTable
          name="breaks"
          columns={COLUMNS}
          filters={FILTERS}
          rowKey={(row) => row.id}
          empty={t("没有差错", "Everything agrees")}
          load={({ ended, ...query }) =>
            api.GET("/v1/reconciliation/breaks", { params: { query: { ...query, ended: ended === "true" } } })
          }
        />
      </Part>
      <Suspense />
    </PageFrame>
  );
}

function Suspense(): ReactNode {
  const t = useText();
  const found = useLoad(["suspense"], () => api.GET("/v1/reconciliation/suspense"));
  return (
    <Part zh="挂账" en="Suspense">
      <Loaded query={found}>
        {({ data }) =>
          data.length === 0 ? (
            <Nothing>{t("没有挂账", "Nothing is in suspense")}</Nothing>
          ) : (
            <Rows
              rows={data}
              rowKey={(item) => item.id}
              columns={[
                [t("挂账", "Item"), (item) => <Id id={item.id} />],
                [t("差错", "Break"), (item) => <Id id={item.break_id} to={`/breaks/${item.break_id}`} />],
                [t("方向", "Side"), (item) => item.side],
                [t("金额", "Amount"), (item) => <Amount of={item.amount} />],
                [t("账龄（天）", "Days old"), (item) => item.age_days],
                [t("挂账时间", "Opened"), (item) => <Instant at={item.opened_at} />],
              ]}
            />
          )
        }
      </Loaded>
    </Part>
  );
}
