import type { ReactNode } from "react";
import { useParams } from "react-router";
import { ActButton, REASON } from "@/app/ActButton";
import { api, type Schema } from "@/app/api";
import { type Column, DataTable } from "@/app/DataTable";
import type { Filter } from "@/app/FilterBar";
import { Facts, PageFrame, Part } from "@/app/PageFrame";
import { usePermits } from "@/app/session";
import { Amount, Id, Instant, Loaded, State } from "@/app/Show";
import { useText } from "@/app/text";
import { useLoad } from "@/app/useLoad";

type Line = Schema["huitong__api__schemas__ledger__StatementLineView"];

const FILTERS: readonly Filter[] = [
  { key: "from", zh: "自", en: "From", type: "day" },
  { key: "to", zh: "至", en: "To", type: "day" },
];
const COLUMNS: readonly Column<Line>[] = [
  { key: "line", zh: "行号", en: "Line", value: (row) => row.line },
  { key: "recorded_at", zh: "记账时间", en: "Recorded", value: (row) => row.recorded_at, render: (row) => <Instant at={row.recorded_at} /> },
  { key: "side", zh: "方向", en: "Side", value: (row) => row.side, render: (row) => <State of={row.side} /> },
  { key: "amount", zh: "金额", en: "Amount", align: "right", value: (row) => row.amount.amount, render: (row) => <Amount of={row.amount} /> },
  { key: "balance_after", zh: "余额", en: "Balance", align: "right", value: (row) => row.balance_after.amount, render: (row) => <Amount of={row.balance_after} /> },
  { key: "other_account", zh: "对方账户", en: "Other account", value: (row) => row.other_account, render: (row) => <Id id={row.other_account} to={`/ledger/accounts/${row.other_account}`} /> },
  { key: "description", zh: "摘要", en: "What", value: (row) => row.description_zh },
  { key: "transfer", zh: "流水", en: "Transfer", value: (row) => row.transfer, render: (row) => <Id id={row.transfer} /> },
];

export function Page(): ReactNode {
  const { account = "" } = useParams();
  const t = useText();
  const permits = usePermits();
  const found = useLoad(["account", account], () => api.GET("/v1/accounts/{account}", { params: { path: { account } } }));
  const path = { account };
  return (
    <PageFrame
      zh="账户"
      en="Account"
      lead={<span className="mono">{account}</span>}
      acts={
        permits("accounts:write") &&
        found.data !== undefined && (
          <>
            <ActButton
              zh="申请冻结"
              en="Ask to freeze"
              isDanger
              fields={[
                {
                  name: "scope",
                  zh: "范围",
                  en: "Scope",
                  options: [
                    { value: "debits", zh: "只收不付", en: "Money may still come in" },
                    { value: "all", zh: "不收不付", en: "Nothing moves" },
                  ],
                },
                REASON,
              ]}
              send={({ scope, reason = "" }, key) =>
                api.POST("/v1/accounts/{account}/freeze", {
                  params: { path, header: { "Idempotency-Key": key } },
                  body: { scope: scope === "all" ? "all" : "debits", reason },
                })
              }
              done={t("已提交，等待另一位同事批准。", "Asked for: a colleague decides.")}
            />
            {found.data.state !== "open" && (
              <ActButton
                zh="申请解冻"
                en="Ask to unfreeze"
                fields={[REASON]}
                send={({ reason = "" }, key) =>
                  api.POST("/v1/accounts/{account}/unfreeze", {
                    params: { path, header: { "Idempotency-Key": key } },
                    body: { reason },
                  })
                }
                done={t("已提交，等待另一位同事批准。", "Asked for: a colleague decides.")}
              />
            )}
          </>
        )
      }
    >
      <Loaded query={found}>
        {(data) => (
          <Part zh="概况" en="At a glance">
            <Facts
              of={[
                [t("名称", "Name"), data.name],
                [t("科目", "Code"), data.chart_code],
                [t("状态", "State"), <State key="s" of={data.state} />],
                [t("余额", "Balance"), <Amount key="b" of={data.balance} />],
                [t("可用", "Available"), <Amount key="a" of={data.available} />],
                [t("上限", "Maximum"), <Amount key="m" of={data.balance_max} />],
                [t("开立", "Opened"), <Instant key="o" at={data.opened_at} />],
              ]}
            />
          </Part>
        )}
      </Loaded>
      <Part zh="明细" en="Statement">
        <DataTable
          name={`statement-${account}`}
          columns={COLUMNS}
          filters={FILTERS}
          rowKey={(row) => String(row.line)}
          load={(query) => api.GET("/v1/accounts/{account}/statement", { params: { path, query } })}
        />
      </Part>
    </PageFrame>
  );
}
