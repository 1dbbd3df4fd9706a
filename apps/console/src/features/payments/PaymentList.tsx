import type { ReactNode } from "react";
import { api, type Schema } from "@/app/api";
import { type Column, DataTable } from "@/app/DataTable";
import type { Filter } from "@/app/FilterBar";
import { PageFrame } from "@/app/PageFrame";
import { Amount, Id, Instant, State } from "@/app/Show";

type Payment = Schema["PaymentView"];

const KINDS = [
  "transfer", "payment", "checkout", "static_qr", "dynamic_qr", "customer_code", "authorisation",
  "top_up", "withdrawal",
] as const;
const STATES = [
  "created", "held", "pending", "succeeded", "failed", "closed", "partly_refunded", "refunded",
] as const;
const FILTERS: readonly Filter[] = [
  { key: "status", zh: "状态", en: "State", options: STATES },
  { key: "kind", zh: "种类", en: "Kind", options: KINDS },
  { key: "account", zh: "账户", en: "Account" },
  { key: "merchant", zh: "商户", en: "Merchant" },
  { key: "since", zh: "自", en: "From", type: "instant" },
  { key: "until", zh: "至", en: "Before", type: "instant" },
];
const COLUMNS: readonly Column<Payment>[] = [
  { key: "id", zh: "支付", en: "Payment", value: (row) => row.id, render: (row) => <Id id={row.id} to={`/payments/${row.id}`} /> },
  { key: "created_at", zh: "时间", en: "Time", value: (row) => row.created_at, render: (row) => <Instant at={row.created_at} /> },
  { key: "kind", zh: "种类", en: "Kind", value: (row) => row.kind, render: (row) => <State of={row.kind} /> },
  { key: "status", zh: "状态", en: "State", value: (row) => row.status, render: (row) => <State of={row.status} /> },
  { key: "amount", zh: "金额", en: "Amount", align: "right", value: (row) => row.amount.amount, render: (row) => <Amount of={row.amount} /> },
  { key: "currency", zh: "币种", en: "Currency", value: (row) => row.amount.currency },
  { key: "payer", zh: "付款账户", en: "Payer", value: (row) => row.payer, render: (row) => <Id id={row.payer} /> },
  { key: "payee", zh: "收款账户", en: "Payee", value: (row) => row.payee, render: (row) => <Id id={row.payee} /> },
  { key: "failure_code", zh: "失败原因", en: "Failure", value: (row) => row.failure_code },
];

export function Page(): ReactNode {
  return (
    <PageFrame zh="支付" en="Payments">
      <section className="part">
        <DataTable
          name="payments"
          columns={COLUMNS}
          filters={FILTERS}
          rowKey={(row) => row.id}
          load={(query) => api.GET("/v1/staff/payments", { params: { query } })}
        />
      </section>
    </PageFrame>
  );
}
