import { Alert } from "antd";
import type { ReactNode } from "react";
import { useState } from "react";
import { useParams } from "react-router";
import { ActButton, REASON } from "@/app/ActButton";
import { api, type Schema } from "@/app/api";
import { Facts, PageFrame, Part } from "@/app/PageFrame";
import { usePermits, useSession } from "@/app/session";
import { Id, Instant, Loaded, State } from "@/app/Show";
import { useText } from "@/app/text";
import { useLoad } from "@/app/useLoad";

type Approval = Schema["ApprovalView"];

export function Page(): ReactNode {
  const { approval = "" } = useParams();
  const found = useLoad(["approval", approval], () =>
    api.GET("/v1/staff/approvals/{approval}", { params: { path: { approval } } }),
  );
  return <Loaded query={found}>{(data) => <Whole approval={data} />}</Loaded>;
}

function Whole({ approval }: { approval: Approval }): ReactNode {
  const t = useText();
  const [secret, setSecret] = useState<string | null>(null);
  return (
    <PageFrame
      zh="审批"
      en="Approval"
      lead={<span className="mono">{approval.id}</span>}
      acts={approval.state === "pending" && <Acts approval={approval} onSecret={setSecret} />}
    >
      {secret && (
        <Alert
          type="warning"
          message={t("只显示这一次，请交给本人", "Shown this once: hand it to whom it is for")}
          description={<code className="mono">{secret}</code>}
        />
      )}
      <Part zh="申请" en="Request">
        <Facts
          of={[
            [t("事项", "Act"), approval.act],
            [t("状态", "State"), <State key="s" of={approval.state} />],
            [t("理由", "Reason"), approval.reason],
            [t("申请人", "Asked by"), <Id key="b" id={approval.requested_by} />],
            [t("申请时间", "Asked"), <Instant key="t" at={approval.requested_at} />],
            [t("有效至", "Until"), <Instant key="u" at={approval.expires_at} />],
            [t("决定人", "Decided by"), <Id key="d" id={approval.decided_by} />],
            [t("决定时间", "Decided"), <Instant key="w" at={approval.decided_at} />],
            [t("决定理由", "Why"), approval.decision_reason],
          ]}
        />
      </Part>
      <Part zh="将要做的事" en="What will be done">
        <p className="quiet">
          {t("批准的正是下面的内容，摘要为", "Just this is approved; its digest is")}{" "}
          <span className="mono">{approval.digest.slice(0, 16)}…</span>
        </p>
        <pre className="json mono">{JSON.stringify(approval.payload, null, 2)}</pre>
        {approval.outcome && <pre className="json mono">{JSON.stringify(approval.outcome, null, 2)}</pre>}
      </Part>
    </PageFrame>
  );
}

function Acts({ approval, onSecret }: { approval: Approval; onSecret: (secret: string | null) => void }): ReactNode {
  const t = useText();
  const { session } = useSession();
  const permits = usePermits();
  const path = { approval: approval.id };
  if (approval.requested_by === session.staff) {
    return (
      <>
        {approval.act === "identity.admit_staff" && permits("staff:write") && (
          <ActButton
            zh="查看邀请码"
            en="Show the invitation"
            send={() => api.GET("/v1/staff/approvals/{approval}/invitation", { params: { path } })}
            done={t("邀请码已显示。", "The invitation is shown.")}
            after={({ invitation }) => onSecret(invitation)}
          />
        )}
        <ActButton
          zh="撤回"
          en="Withdraw"
          fields={[REASON]}
          send={({ reason = "" }) =>
            api.POST("/v1/staff/approvals/{approval}/withdraw", { params: { path }, body: { reason } })
          }
          done={t("已撤回。", "Withdrawn.")}
        />
      </>
    );
  }
  if (!permits("approvals:decide")) return null;
  return (
    <>
      <ActButton
        zh="批准"
        en="Approve"
        isPrimary
        fields={[REASON]}
        send={({ reason = "" }) =>
          api.POST("/v1/staff/approvals/{approval}/approve", {
            params: { path },
            body: { digest: approval.digest, reason },
          })
        }
        done={t("已批准并执行。", "Approved and done.")}
        after={({ secret }) => onSecret(secret)}
      />
      <ActButton
        zh="驳回"
        en="Reject"
        isDanger
        fields={[REASON]}
        send={({ reason = "" }) =>
          api.POST("/v1/staff/approvals/{approval}/reject", { params: { path }, body: { reason } })
        }
        done={t("已驳回。", "Rejected.")}
      />
    </>
  );
}
