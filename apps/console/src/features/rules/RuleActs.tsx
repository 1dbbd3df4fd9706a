import type { ReactNode } from "react";
import { ActButton, REASON } from "@/app/ActButton";
import { api, type Schema } from "@/app/api";
import { usePermits } from "@/app/session";
import { useText } from "@/app/text";

export function RuleActs({ version }: { version: Schema["RuleVersionView"] }): ReactNode {
  const t = useText();
  const permits = usePermits();
  if (!permits("rules:write") || version.state === "retired") return null;
  const path = { version: version.id };
  return (
    <>
      {version.state === "draft" && (
        <ActButton
          zh="影子运行"
          en="Run in shadow"
          send={(_, key) =>
            api.POST("/v1/risk/rules/{version}/shadow", {
              params: { path, header: { "Idempotency-Key": key } },
              body: {},
            })
          }
          done={t("已开始影子运行，不影响任何支付。", "It runs in shadow, without effect.")}
        />
      )}
      {version.state === "shadow" && (
        <ActButton
          zh="申请生效"
          en="Ask to set live"
          fields={[
            { name: "from", zh: "生效日", en: "From the day", type: "day" },
            REASON,
          ]}
          send={({ from = "", reason = "" }, key) =>
            api.POST("/v1/risk/rules/{version}/live", {
              params: { path, header: { "Idempotency-Key": key } },
              body: { digest: version.digest, effective_from: from, reason },
            })
          }
          done={t("已提交，等待另一位同事批准。", "Asked for: a colleague decides.")}
        />
      )}
      <ActButton
        zh="停用"
        en="Retire"
        isDanger
        fields={[REASON]}
        send={({ reason = "" }, key) =>
          api.POST("/v1/risk/rules/{version}/retire", {
            params: { path, header: { "Idempotency-Key": key } },
            body: { reason },
          })
        }
        done={t("已停用，或等待另一位同事批准。", "Retired, or a colleague decides.")}
      />
    </>
  );
}
