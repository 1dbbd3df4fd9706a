import { Space } from "antd";
import type { ReactNode } from "react";
import { ActButton, REASON } from "@/app/ActButton";
import { api, type Schema } from "@/app/api";
import { usePermits } from "@/app/session";
import { useText } from "@/app/text";

/** What may be done about a payment that risk stopped. */
export function StopActs({ stop }: { stop: Schema["WaitingPaymentView"] }): ReactNode {
  const t = useText();
  const permits = usePermits();
  if (!permits("stopped_payments:decide")) return null;
  const path = { payment: stop.payment };
  return (
    <Space>
      {stop.state === "held" && (
        <>
          <ActButton
            zh="放行并支付"
            en="Pay it"
            isPrimary
            fields={[REASON]}
            send={({ reason = "" }, key) =>
              api.POST("/v1/stopped-payments/{payment}/release", {
                params: { path, header: { "Idempotency-Key": key } },
                body: { reason },
              })
            }
            done={t("款项已支付给收款方。", "The money was paid to the payee.")}
          />
          <ActButton
            zh="按欺诈退回"
            en="Give it back as fraud"
            isDanger
            fields={[REASON]}
            send={({ reason = "" }, key) =>
              api.POST("/v1/stopped-payments/{payment}/reject", {
                params: { path, header: { "Idempotency-Key": key } },
                body: { reason },
              })
            }
            done={t("款项已退回付款方。", "The money is back with the payer.")}
          />
        </>
      )}
      {stop.appeal !== null && stop.answer === null && (
        <ActButton
          zh="答复申诉"
          en="Answer the appeal"
          fields={[{ name: "answer", zh: "答复", en: "Answer", type: "area" }]}
          send={({ answer = "" }, key) =>
            api.POST("/v1/stopped-payments/{payment}/answer", {
              params: { path, header: { "Idempotency-Key": key } },
              body: { answer },
            })
          }
          done={t("付款方会收到答复。", "The payer is told.")}
        />
      )}
    </Space>
  );
}
