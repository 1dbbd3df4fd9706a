import type { ReactNode } from "react";
import { api, type Schema } from "@/app/api";
import { type Column, DataTable } from "@/app/DataTable";
import type { Filter } from "@/app/FilterBar";
import { PageFrame } from "@/app/PageFrame";
import { Id, Instant, State } from "@/app/Show";
import { useText } from "@/app/text";

type Approval = Schema["ApprovalView"];

const FILTERS: readonly Filter[] = [
  { key: "pending", zh: "范围", en: "Which", options: ["true", "false"] },
];
const COLUMNS: readonly Column<Approval>[] = [
  { key: "id", zh: "申请", en: "Request", value: (row) => row.id, render: (row) => <Id id={row.id} to={`/approvals/${row.id}`} /> },
  { key: "act", zh: "事项", en: "Act", value: (row) => row.act },
  { key: "state", zh: "状态", en: "State", value: (row) => row.state, render: (row) => <State of={row.state} /> },
  { key: "reason", zh: "理由", en: "Reason", value: (row) => row.reason },
  { key: "requested_by", zh: "申请人", en: "Asked by", value: (row) => row.requested_by, render: (row) => <Id id={row.requested_by} /> },
  { key: "requested_at", zh: "申请时间", en: "Asked", value: (row) => row.requested_at, render: (row) => <Instant at={row.requested_at} /> },
  { key: "expires_at", zh: "有效至", en: "Until", value: (row) => row.expires_at, render: (row) => <Instant at={row.expires_at} /> },
  { key: "decided_by", zh: "决定人", en: "Decided by", value: (row) => row.decided_by, render: (row) => <Id id={row.decided_by} /> },
];

export function Page(): ReactNode {
  const t = useText();
  return (
    <PageFrame
      zh="审批箱"
      en="Approvals"
      lead={t("一人申请、另一人决定的所有事项。", "Everything that one member of staff asks for and another one decides.")}
    >
      <section className="part">
        <DataTable
          name="approvals"
          columns={COLUMNS}
          filters={FILTERS}
          rowKey={(row) => row.id}
          seconds={15}
          empty={t("没有事项在等待", "Nothing waits")}
          load={({ pending, ...query }) =>
            api.GET("/v1/staff/approvals", {
              params: { query: { ...query, pending: pending !== "false" } },
            })
          }
        />
      </section>
    </PageFrame>
  );
}
