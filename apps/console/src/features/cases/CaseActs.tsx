import type { ReactNode } from "react";
import { ActButton } from "@/app/ActButton";
import { api, type Schema } from "@/app/api";
import { usePermits, useSession } from "@/app/session";
import { useText } from "@/app/text";

const OUTCOMES = [
  { value: "fraud", zh: "欺诈", en: "Fraud" },
  { value: "genuine", zh: "正常", en: "Genuine" },
  { value: "unclear", zh: "无法判断", en: "Unclear" },
] as const;

type Outcome = (typeof OUTCOMES)[number]["value"];

export function CaseActs({ found }: { found: Schema["CaseView"] }): ReactNode {
  const t = useText();
  const permits = usePermits();
  const { session } = useSession();
  if (found.state !== "open") return null;
  const path = { case: found.id };
  const isMine = found.assigned_to === session.staff;
  return (
    <>
      {permits("cases:write") && !isMine && found.assigned_to === null && (
        <ActButton
          zh="由我经办"
          en="Take it"
          isPrimary
          send={(_, key) =>
            api.POST("/v1/risk/cases/{case}/assign", {
              params: { path, header: { "Idempotency-Key": key } },
              body: {},
            })
          }
          done={t("案件归您经办。", "The case is yours.")}
        />
      )}
      {permits("cases:write") && (
        <ActButton
          zh="加备注"
          en="Add a note"
          fields={[{ name: "note", zh: "备注", en: "Note", type: "area" }]}
          send={({ note = "" }, key) =>
            api.POST("/v1/risk/cases/{case}/notes", {
              params: { path, header: { "Idempotency-Key": key } },
              body: { note },
            })
          }
          done={t("已记下。", "Noted.")}
        />
      )}
      {permits("cases:write") && isMine && (
        <ActButton
          zh="退回队列"
          en="Give it back"
          send={(_, key) =>
            api.POST("/v1/risk/cases/{case}/release", {
              params: { path, header: { "Idempotency-Key": key } },
              body: {},
            })
          }
          done={t("案件已退回队列。", "The case is in the queue again.")}
        />
      )}
      {permits("cases:close") && isMine && (
        <ActButton
          zh="结案"
          en="Close"
          fields={[
            { name: "outcome", zh: "结论", en: "Outcome", options: OUTCOMES },
            { name: "note", zh: "说明", en: "Note", type: "area" },
          ]}
          send={({ outcome, note = "" }, key) =>
            api.POST("/v1/risk/cases/{case}/close", {
              params: { path, header: { "Idempotency-Key": key } },
              body: { outcome: outcome as Outcome, note, alerts_seen: found.alerts },
            })
          }
          done={t("已结案，预警按结论标记。", "Closed; its alerts are labelled so.")}
        />
      )}
    </>
  );
}
