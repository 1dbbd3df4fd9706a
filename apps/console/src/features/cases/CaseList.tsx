import type { ReactNode } from "react";
import { api, type Schema } from "@/app/api";
import { type Column, DataTable } from "@/app/DataTable";
import type { Filter } from "@/app/FilterBar";
import { PageFrame } from "@/app/PageFrame";
import { Amount, Id, Instant, State } from "@/app/Show";
import { useText } from "@/app/text";

type Case = Schema["CaseView"];

const FILTERS: readonly Filter[] = [
  { key: "queue", zh: "队列", en: "Queue", options: ["priority", "age", "unassigned", "mine", "closed"] },
];
const COLUMNS: readonly Column<Case>[] = [
  { key: "id", zh: "案件", en: "Case", value: (row) => row.id, render: (row) => <Id id={row.id} to={`/cases/${row.id}`} /> },
  { key: "state", zh: "状态", en: "State", value: (row) => row.state, render: (row) => <State of={row.state} /> },
  { key: "priority", zh: "优先级", en: "Priority", align: "right", value: (row) => row.priority },
  { key: "alerts", zh: "预警数", en: "Alerts", align: "right", value: (row) => row.alerts },
  {
    key: "at_risk", zh: "涉险金额", en: "At risk", align: "right",
    value: (row) => row.at_risk.map((each) => `${each.amount} ${each.currency}`).join("; "),
    render: (row) => row.at_risk.map((each) => <Amount key={each.currency} of={each} />),
  },
  { key: "last_alert_at", zh: "最近预警", en: "Last alert", value: (row) => row.last_alert_at, render: (row) => <Instant at={row.last_alert_at} /> },
  { key: "assigned_to", zh: "经办人", en: "Whose", value: (row) => row.assigned_to, render: (row) => <Id id={row.assigned_to} /> },
  { key: "outcome", zh: "结论", en: "Outcome", value: (row) => row.outcome, render: (row) => <State of={row.outcome} /> },
];

export function Page(): ReactNode {
  const t = useText();
  return (
    <PageFrame zh="案件与预警" en="Cases and alerts" lead={t("相关的预警归成案件，最急的在前。", "Alerts that belong together are one case; the most urgent come first.")}>
      <section className="part">
        <DataTable
          name="cases"
          columns={COLUMNS}
          filters={FILTERS}
          rowKey={(row) => row.id}
          seconds={20}
          empty={t("队列是空的", "The queue is empty")}
          load={({ queue, ...query }) =>
            api.GET("/v1/risk/cases", {
              params: { query: { ...query, ...(queue === undefined ? {} : { queue: queue as "priority" }) } },
            })
          }
        />
      </section>
    </PageFrame>
  );
}
