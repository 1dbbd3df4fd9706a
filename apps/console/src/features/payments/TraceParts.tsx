import type { ReactNode } from "react";
import { ActButton, REASON } from "@/app/ActButton";
import { api, type Schema } from "@/app/api";
import { Facts, Part } from "@/app/PageFrame";
import { usePermits } from "@/app/session";
import { Amount, Id, Instant, Loaded, Nothing, State } from "@/app/Show";
import { usePreferences, useText } from "@/app/text";
import { useLoad } from "@/app/useLoad";
import { Rows } from "@/app/Rows";

type Trace = Schema["PaymentTraceView"];

/** What risk decided, why, and from what. */
export function Decision({ id }: { id: string | null }): ReactNode {
  const t = useText();
  const permits = usePermits();
  const isShown = id !== null && permits("decisions:read");
  const decision = useLoad(
    ["decision", id],
    () => api.GET("/v1/risk/decisions/{decision}", { params: { path: { decision: id ?? "" } } }),
    { enabled: isShown },
  );
  return (
    <Part
      zh="风险决策"
      en="Decision"
      acts={isShown && permits("decisions:overturn") && <Overturn id={id} />}
    >
      {id === null ? (
        <Nothing>{t("没有经过风险决策", "Risk was not asked")}</Nothing>
      ) : !isShown ? (
        <p className="quiet">{t("您的角色看不到决策内容。", "Your role does not see decisions.")}</p>
      ) : (
        <Loaded query={decision}>{(data) => <Decided decision={data} />}</Loaded>
      )}
    </Part>
  );
}

function Overturn({ id }: { id: string }): ReactNode {
  const t = useText();
  return (
    <ActButton
      zh="提请推翻"
      en="Ask to overturn"
      fields={[REASON]}
      send={({ reason = "" }, key) =>
        api.POST("/v1/risk/decisions/{decision}/overturn", {
          params: { path: { decision: id }, header: { "Idempotency-Key": key } },
          body: { reason },
        })
      }
      done={t("已提交，等待另一位同事批准。", "Asked for: a colleague decides.")}
    />
  );
}

function Decided({ decision }: { decision: Schema["DecisionView"] }): ReactNode {
  const t = useText();
  const { language } = usePreferences();
  const { scoring } = decision;
  return (
    <>
      <Facts
        of={[
          [t("处置", "Action"), <State key="a" of={decision.action} />],
          [t("规则版本", "Rules"), <Id key="v" id={decision.version} />],
          [t("命中", "Hits"), decision.hits.join(", ") || "–"],
          [t("影子结果", "In shadow"), <State key="s" of={decision.shadow_action} />],
          [t("模型分", "Score"), scoring?.score?.toPrecision(4)],
          [t("用时", "Took"), `${decision.took_microseconds} µs`],
          [t("重放", "Replay"), decision.replay === null ? "–" : decision.replay.is_same ? t("结果相同", "comes out the same") : t("结果不同", "comes out otherwise")],
          [t("已推翻", "Overturned"), decision.overturned?.reason],
        ]}
      />
      {decision.reasons.length > 0 && (
        <ul>
          {decision.reasons.map((reason) => (
            <li key={reason.code}>
              {reason[language]} <span className="quiet mono">{reason.code}</span>
            </li>
          ))}
        </ul>
      )}
      <details>
        <summary>{t("决策所用的特征", "What it was decided from")}</summary>
        <Facts of={Object.entries(decision.features).map(([name, value]) => [name, String(value ?? "–")] as const)} />
      </details>
    </>
  );
}

/** The journal's lines, entry by entry. */
export function Postings({ entries }: { entries: Trace["entries"] }): ReactNode {
  const t = useText();
  const { language } = usePreferences();
  const lines = entries.flatMap((entry) => entry.transfers.map((transfer) => ({ ...transfer, entry: entry.id })));
  return (
    <Part zh="过账" en="Postings">
      {lines.length === 0 ? (
        <Nothing>{t("没有过账", "Nothing was posted")}</Nothing>
      ) : (
        <Rows
          rows={lines}
          rowKey={(line) => line.id}
          columns={[
            [t("分录", "Entry"), (line) => <Id id={line.entry} />],
            [t("类型", "Kind"), (line) => <State of={line.kind} />],
            [t("借方账户", "Debit"), (line) => <Id id={line.debit_account} to={`/ledger/accounts/${line.debit_account}`} />],
            [t("贷方账户", "Credit"), (line) => <Id id={line.credit_account} to={`/ledger/accounts/${line.credit_account}`} />],
            [t("金额", "Amount"), (line) => <Amount of={line.amount} />],
            [t("摘要", "What"), (line) => (language === "zh" ? line.description_zh : line.description)],
            [t("记账时间", "Recorded"), (line) => <Instant at={line.recorded_at} />],
          ]}
        />
      )}
    </Part>
  );
}

/** What channels were asked and said. */
export function Channel({ trace }: { trace: Trace }): ReactNode {
  const t = useText();
  const { language } = usePreferences();
  return (
    <Part zh="渠道" en="Channel">
      {trace.attempts.length === 0 ? (
        <Nothing>{t("没有经过外部渠道", "No channel was asked")}</Nothing>
      ) : (
        <Rows
          rows={trace.attempts}
          rowKey={(attempt) => attempt.id}
          columns={[
            [t("次序", "Attempt"), (attempt) => attempt.number],
            [t("渠道", "Channel"), (attempt) => attempt.channel],
            [t("方向", "Direction"), (attempt) => <State of={attempt.direction} />],
            [t("状态", "State"), (attempt) => <State of={attempt.state} />],
            [t("发送次数", "Sent"), (attempt) => attempt.requests],
            [t("金额", "Amount"), (attempt) => <Amount of={attempt.amount} />],
            [t("成本", "Cost"), (attempt) => <Amount of={attempt.fee} />],
            [t("渠道答复", "It said"), (attempt) => attempt.reason ?? "–"],
            [t("更新", "Updated"), (attempt) => <Instant at={attempt.updated_at} />],
          ]}
        />
      )}
      {trace.rail && (
        <p>
          {t("经由", "Through")} <b>{trace.rail.rail.toUpperCase()}</b>：
          {trace.rail.reasons.map((reason) => reason[language]).join(" ")}
        </p>
      )}
    </Part>
  );
}
