import type { ReactNode } from "react";
import { api, type Schema } from "@/app/api";
import { type Column, DataTable } from "@/app/DataTable";
import type { Filter } from "@/app/FilterBar";
import { PageFrame, Part } from "@/app/PageFrame";
import { Amount, Id, Instant, State } from "@/app/Show";
import { useText } from "@/app/text";

type Application = Schema["LoanApplicationView"];
type Loan = Schema["LoanView"];

const FILTERS: readonly Filter[] = [{ key: "customer", zh: "客户", en: "Customer" }];
const APPLICATIONS: readonly Column<Application>[] = [
  { key: "id", zh: "申请", en: "Application", value: (row) => row.id, render: (row) => <Id id={row.id} to={`/loans/applications/${row.id}`} /> },
  { key: "stage", zh: "阶段", en: "Stage", value: (row) => row.stage, render: (row) => <State of={row.stage} /> },
  { key: "customer", zh: "客户", en: "Customer", value: (row) => row.customer, render: (row) => <Id id={row.customer} to={`/customers/${row.customer}`} /> },
  { key: "product", zh: "产品", en: "Product", value: (row) => `${row.product} v${row.product_version}` },
  { key: "wish", zh: "申请金额", en: "Asked for", align: "right", value: (row) => row.wish?.amount.amount, render: (row) => <Amount of={row.wish?.amount} /> },
  { key: "has_appealed", zh: "已申诉", en: "Appealed", value: (row) => (row.has_appealed ? "✓" : "–") },
  { key: "started_at", zh: "开始", en: "Started", value: (row) => row.started_at, render: (row) => <Instant at={row.started_at} /> },
];
const LOANS: readonly Column<Loan>[] = [
  { key: "id", zh: "贷款", en: "Loan", value: (row) => row.id, render: (row) => <Id id={row.id} /> },
  { key: "state", zh: "状态", en: "State", value: (row) => row.state, render: (row) => <State of={row.state} /> },
  { key: "borrower", zh: "借款人", en: "Borrower", value: (row) => row.customer, render: (row) => <Id id={row.customer} to={`/customers/${row.customer}`} /> },
  { key: "product_of", zh: "产品", en: "Product", value: (row) => row.product },
  { key: "principal", zh: "本金", en: "Principal", align: "right", value: (row) => row.principal.amount, render: (row) => <Amount of={row.principal} /> },
  { key: "owed_now", zh: "现欠", en: "Owed now", align: "right", value: (row) => row.owed_now.amount, render: (row) => <Amount of={row.owed_now} /> },
  { key: "overdue", zh: "逾期本金", en: "Overdue", align: "right", value: (row) => row.overdue.amount, render: (row) => <Amount of={row.overdue} /> },
  { key: "days_past_due", zh: "逾期天数", en: "Days overdue", align: "right", value: (row) => row.days_past_due },
  { key: "asset_class", zh: "分类", en: "Class", value: (row) => row.asset_class },
  { key: "next_due_on", zh: "下次还款", en: "Next due", value: (row) => row.next_due_on },
];

export function Page(): ReactNode {
  const t = useText();
  return (
    <PageFrame zh="贷款" en="Loans" lead={t("等待人工决定的申请，以及全部贷款。", "Applications that wait for a person's decision, and all loans.")}>
      <Part zh="申请" en="Applications">
        <DataTable
          name="loan-applications"
          columns={APPLICATIONS}
          filters={FILTERS}
          rowKey={(row) => row.id}
          seconds={20}
          empty={t("没有申请在等待", "No application waits")}
          load={({ customer }) =>
            api
              .GET("/v1/loan-applications", { params: { query: customer === undefined ? {} : { customer } } })
              .then((answer) =>
                answer.data === undefined ? answer : { ...answer, data: { ...answer.data, next_cursor: null } },
              )
          }
        />
      </Part>
      <Part zh="全部贷款" en="All loans">
        <DataTable
          name="loans"
          columns={LOANS}
          rowKey={(row) => row.id}
          empty={t("没有贷款", "No loans")}
          load={(query) => api.GET("/v1/loans", { params: { query } })}
        />
      </Part>
    </PageFrame>
  );
}
