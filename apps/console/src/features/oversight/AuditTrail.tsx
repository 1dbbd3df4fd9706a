import type { ReactNode } from "react";
import { api, type Schema } from "@/app/api";
import { type Column, DataTable } from "@/app/DataTable";
import type { Filter } from "@/app/FilterBar";
import { PageFrame } from "@/app/PageFrame";
import { Id, Instant } from "@/app/Show";
import { useText } from "@/app/text";

type Entry = Schema["AuditRecordView"];

const FILTERS: readonly Filter[] = [
  { key: "actor", zh: "何人", en: "Who" },
  { key: "action", zh: "动作以…开头", en: "Action begins" },
  { key: "subject", zh: "何物", en: "Thing" },
  { key: "since", zh: "自", en: "From", type: "instant" },
  { key: "until", zh: "至", en: "Before", type: "instant" },
];
const COLUMNS: readonly Column<Entry>[] = [
  { key: "recorded_at", zh: "时间", en: "Time", value: (row) => row.recorded_at, render: (row) => <Instant at={row.recorded_at} /> },
  { key: "actor", zh: "何人", en: "Who", value: (row) => row.actor, render: (row) => <Id id={row.actor} /> },
  { key: "action", zh: "动作", en: "Action", value: (row) => row.action, render: (row) => <span className="mono">{row.action}</span> },
  { key: "subject", zh: "何物", en: "Thing", value: (row) => row.subject, render: (row) => <Id id={row.subject} /> },
  {
    key: "details", zh: "详情", en: "Details", value: (row) => JSON.stringify(row.details),
    render: (row) => (Object.keys(row.details).length === 0 ? "–" : <code className="mono">{JSON.stringify(row.details).slice(0, 120)}</code>),
  },
  { key: "request_id", zh: "请求", en: "Request", value: (row) => row.request_id, render: (row) => <Id id={row.request_id} /> },
];

export function Page(): ReactNode {
  const t = useText();
  return (
    <PageFrame zh="审计记录" en="Audit trail" lead={t("谁在何时对何物做了什么，只增不改。", "Who did what to which thing, and when; append-only.")}>
      <section className="part">
        <DataTable
          name="audit"
          columns={COLUMNS}
          filters={FILTERS}
          rowKey={(row) => row.id}
          load={(query) => api.GET("/v1/staff/audit-records", { params: { query } })}
        />
      </section>
    </PageFrame>
  );
}
