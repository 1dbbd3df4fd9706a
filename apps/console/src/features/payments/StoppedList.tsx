import type { ReactNode } from "react";
import { api, type Schema } from "@/app/api";
import { type Column, DataTable } from "@/app/DataTable";
import { PageFrame } from "@/app/PageFrame";
import { Amount, Id, Instant, State } from "@/app/Show";
import { usePreferences, useText } from "@/app/text";
import { StopActs } from "./StopActs";

type Stopped = Schema["WaitingPaymentView"];

function Why({ stop }: { stop: Stopped }): ReactNode {
  const { language } = usePreferences();
  return stop.reasons.map((reason) => reason[language]).join(" ");
}

const COLUMNS: readonly Column<Stopped>[] = [
  { key: "payment", zh: "支付", en: "Payment", value: (row) => row.payment, render: (row) => <Id id={row.payment} to={`/payments/${row.payment}`} /> },
  { key: "stopped_at", zh: "时间", en: "Time", value: (row) => row.stopped_at, render: (row) => <Instant at={row.stopped_at} /> },
  { key: "state", zh: "状态", en: "State", value: (row) => row.state, render: (row) => <State of={row.state} /> },
  { key: "action", zh: "处置", en: "Action", value: (row) => row.action, render: (row) => <State of={row.action} /> },
  { key: "amount", zh: "金额", en: "Amount", align: "right", value: (row) => row.amount.amount, render: (row) => <Amount of={row.amount} /> },
  { key: "reasons", zh: "原因", en: "Why", value: (row) => row.reasons.map((each) => each.en).join("; "), render: (row) => <Why stop={row} /> },
  { key: "appeal", zh: "申诉", en: "Appeal", value: (row) => row.appeal },
  { key: "acts", zh: "操作", en: "Acts", value: () => null, render: (row) => <StopActs stop={row} /> },
];

export function Page(): ReactNode {
  const t = useText();
  return (
    <PageFrame zh="待处理的支付" en="Stopped payments" lead={t("被风险暂扣，或付款方已申诉的支付。", "Payments that risk holds, or whose payer has appealed.")}>
      <section className="part">
        <DataTable
          name="stopped-payments"
          columns={COLUMNS}
          rowKey={(row) => row.payment}
          seconds={15}
          empty={t("没有支付在等待处理", "No payment waits for somebody")}
          load={(query) => api.GET("/v1/stopped-payments", { params: { query } })}
        />
      </section>
    </PageFrame>
  );
}
