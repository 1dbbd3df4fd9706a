import type { ReactNode } from "react";
import { useParams } from "react-router";
import { ActButton, REASON } from "@/app/ActButton";
import { api, type Schema } from "@/app/api";
import { Facts, PageFrame, Part } from "@/app/PageFrame";
import { usePermits } from "@/app/session";
import { Amount, Id, Instant, Loaded, State } from "@/app/Show";
import { usePreferences, useText } from "@/app/text";
import { useLoad } from "@/app/useLoad";
import { Channel, Decision, Postings } from "./TraceParts";
import { StopActs } from "./StopActs";

type Trace = Schema["PaymentTraceView"];

export function Page(): ReactNode {
  const { payment = "" } = useParams();
  const trace = useLoad(["payment", payment], () =>
    api.GET("/v1/staff/payments/{payment}", { params: { path: { payment } } }),
  );
  return <Loaded query={trace}>{(data) => <Whole trace={data} />}</Loaded>;
}

function Whole({ trace }: { trace: Trace }): ReactNode {
  const t = useText();
  const permits = usePermits();
  const { payment } = trace;
  const canRefund =
    permits("refunds:write") && ["succeeded", "partly_refunded"].includes(payment.status);
  return (
    <PageFrame
      zh="支付轨迹"
      en="Payment trace"
      lead={<span className="mono">{payment.id}</span>}
      acts={canRefund && <Refund payment={payment} />}
    >
      <Part zh="订单" en="Order">
        <Facts
          of={[
            [t("状态", "State"), <State key="s" of={payment.status} />],
            [t("种类", "Kind"), <State key="k" of={payment.kind} />],
            [t("金额", "Amount"), <Amount key="a" of={payment.amount} />],
            [t("手续费", "Fee"), <Amount key="f" of={payment.fee} />],
            [t("已退款", "Refunded"), <Amount key="r" of={payment.refunded} />],
            [t("已分账", "Shared"), <Amount key="h" of={payment.shared} />],
            [t("付款账户", "Payer"), <Id key="p" id={payment.payer} {...(payment.payer ? { to: `/ledger/accounts/${payment.payer}` } : {})} />],
            [t("收款账户", "Payee"), <Id key="e" id={payment.payee} {...(payment.payee ? { to: `/ledger/accounts/${payment.payee}` } : {})} />],
            [t("商户", "Merchant"), <Id key="m" id={payment.merchant} />],
            [t("商户单号", "Reference"), payment.reference],
            [t("创建", "Created"), <Instant key="c" at={payment.created_at} />],
            [t("完成", "Completed"), <Instant key="d" at={payment.completed_at} />],
            [t("失败原因", "Failure"), payment.failure_code],
          ]}
        />
      </Part>
      {trace.stop && <Stopped stop={trace.stop} />}
      <Decision id={trace.decision} />
      <Postings entries={trace.entries} />
      <Channel trace={trace} />
      {trace.refunds.length > 0 && (
        <Part zh="退款" en="Refunds">
          <ul className="timeline">
            {trace.refunds.map((refund) => (
              <li key={refund.id}>
                <Amount of={refund.amount} /> · <Instant at={refund.created_at} /> · {refund.reason ?? "–"}
              </li>
            ))}
          </ul>
        </Part>
      )}
    </PageFrame>
  );
}

function Refund({ payment }: { payment: Trace["payment"] }): ReactNode {
  const t = useText();
  return (
    <ActButton
      zh="申请退款"
      en="Ask for a refund"
      fields={[
        { name: "amount", zh: "金额", en: "Amount", type: "money", isOptional: true, hint: t("不填则全部退回。", "All that is left if it is left out.") },
        REASON,
      ]}
      send={({ amount, reason }, key) =>
        api.POST("/v1/payments/{payment}/refunds", {
          params: { path: { payment: payment.id }, header: { "Idempotency-Key": key } },
          body: {
            ...(amount === undefined ? {} : { amount: { amount, currency: payment.amount.currency } }),
            reason: reason ?? null,
          },
        })
      }
      done={t("已提交，等待另一位同事批准。", "Asked for: a colleague decides.")}
    />
  );
}

function Stopped({ stop }: { stop: NonNullable<Trace["stop"]> }): ReactNode {
  const t = useText();
  const { language } = usePreferences();
  return (
    <Part zh="风险处置" en="Stopped by risk" acts={<StopActs stop={stop} />}>
      <Facts
        of={[
          [t("状态", "State"), <State key="s" of={stop.state} />],
          [t("处置", "Action"), <State key="a" of={stop.action} />],
          [t("时间", "Time"), <Instant key="t" at={stop.stopped_at} />],
          [t("到时放行", "Released at"), <Instant key="r" at={stop.release_at} />],
          [t("到时退回", "Given back at"), <Instant key="g" at={stop.give_back_at} />],
          [t("申诉", "Appeal"), stop.appeal],
          [t("答复", "Answer"), stop.answer],
          [t("备注", "Note"), stop.note],
        ]}
      />
      <ul>
        {stop.reasons.map((reason) => (
          <li key={reason.en}>{reason[language]}</li>
        ))}
      </ul>
    </Part>
  );
}
