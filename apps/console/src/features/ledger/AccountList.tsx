import type { ReactNode } from "react";
import { useParams } from "react-router";
import { api, type Schema } from "@/app/api";
import { type Column, DataTable } from "@/app/DataTable";
import { PageFrame } from "@/app/PageFrame";
import { Amount, Id, Instant, State } from "@/app/Show";

type Account = Schema["AccountView"];

const COLUMNS: readonly Column<Account>[] = [
  { key: "id", zh: "账户", en: "Account", value: (row) => row.id, render: (row) => <Id id={row.id} to={`/ledger/accounts/${row.id}`} /> },
  { key: "name", zh: "名称", en: "Name", value: (row) => row.name },
  { key: "state", zh: "状态", en: "State", value: (row) => row.state, render: (row) => <State of={row.state} /> },
  { key: "currency", zh: "币种", en: "Currency", value: (row) => row.currency },
  { key: "balance", zh: "余额", en: "Balance", align: "right", value: (row) => row.balance.amount, render: (row) => <Amount of={row.balance} /> },
  { key: "available", zh: "可用", en: "Available", align: "right", value: (row) => row.available.amount, render: (row) => <Amount of={row.available} /> },
  { key: "opened_at", zh: "开立", en: "Opened", value: (row) => row.opened_at, render: (row) => <Instant at={row.opened_at} /> },
];

export function Page(): ReactNode {
  const { code = "" } = useParams();
  return (
    <PageFrame zh={`科目 ${code}`} en={`Code ${code}`}>
      <section className="part">
        <DataTable
          name={`ledger-accounts-${code}`}
          columns={COLUMNS}
          rowKey={(row) => row.id}
          load={(query) => api.GET("/v1/ledger/accounts", { params: { query: { ...query, chart_code: code } } })}
        />
      </section>
    </PageFrame>
  );
}
