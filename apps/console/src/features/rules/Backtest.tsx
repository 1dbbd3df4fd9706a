import { Button, Progress } from "antd";
import type { ReactNode } from "react";
import { useState } from "react";
import { ActButton } from "@/app/ActButton";
import { api, type Schema } from "@/app/api";
import { Part } from "@/app/PageFrame";
import { Rows } from "@/app/Rows";
import { usePermits } from "@/app/session";
import { Instant, Nothing } from "@/app/Show";
import { useText } from "@/app/text";
import { useLoad } from "@/app/useLoad";

interface Share {
  [name: string]: unknown;
}
interface Result {
  first_day: string;
  end_day: string;
  actions: Record<string, Share>;
  rules: { key: string; recall: string | number | null; failed: number; hits: Share }[];
}

const ASKED_SECONDS = 2;

/** What a version would have done: asked for, followed while it runs, and shown. */
export function Backtest({ version }: { version: Schema["RuleVersionView"] }): ReactNode {
  const t = useText();
  const permits = usePermits();
  const [run, setRun] = useState<string | null>(null);
  const last = useLoad(
    ["backtest-of", version.id, run],
    () => api.GET("/v1/risk/rules/{version}/backtest", { params: { path: { version: version.id } } }),
    { enabled: version.is_tested && run === null },
  );
  const now = useLoad(
    ["backtest", run],
    () => api.GET("/v1/risk/backtests/{backtest}", { params: { path: { backtest: run ?? "" } } }),
    { enabled: run !== null, seconds: ASKED_SECONDS },
  );
  const isGoing = now.data?.state === "queued" || now.data?.state === "running";
  const result = (now.data?.result ?? last.data?.result) as Result | null | undefined;
  return (
    <Part
      zh="回测与影子结果"
      en="Back-test and shadow"
      acts={
        permits("rules:write") && (
          <ActButton
            zh="回测"
            en="Back-test"
            fields={[{ name: "days", zh: "最近几天", en: "Of how many days", initial: "30" }]}
            send={({ days }, key) =>
              api.POST("/v1/risk/rules/{version}/backtests", {
                params: { path: { version: version.id }, header: { "Idempotency-Key": key } },
                body: { days: Number(days ?? "30") },
              })
            }
            done={t("回测已排队。", "The back-test is queued.")}
            after={({ id }) => setRun(id)}
          />
        )
      }
    >
      {isGoing && (
        <div role="status">
          <Progress percent={100} status="active" showInfo={false} aria-label={t("回测进行中", "The back-test runs")} />
          {t(`已读 ${now.data?.rows_read ?? 0} 条决策`, `${now.data?.rows_read ?? 0} decisions read`)}{" "}
          <Button size="small" onClick={() => setRun(null)}>
            {t("不再跟踪", "Stop following")}
          </Button>
        </div>
      )}
      {now.data?.state === "failed" && <p className="bad">{now.data.error}</p>}
      {result ? (
        <ResultTable result={result} />
      ) : (
        !isGoing && <Nothing>{t("还没有回测", "Not back-tested yet")}</Nothing>
      )}
      {version.state === "shadow" && (
        <p className="quiet">
          {t("影子结果随每个决策保存，在支付轨迹中对照。自", "Its shadow results are kept with each decision, beside what was decided. Since")}{" "}
          <Instant at={version.effective_from ?? version.created_at} />
        </p>
      )}
    </Part>
  );
}

function ResultTable({ result }: { result: Result }): ReactNode {
  const t = useText();
  const names = Object.keys(Object.values(result.actions)[0] ?? {});
  return (
    <>
      <p className="quiet">
        {result.first_day} – {result.end_day}
      </p>
      <Rows
        rows={Object.entries(result.actions)}
        rowKey={([action]) => action}
        columns={[
          [t("处置", "Action"), ([action]) => action],
          ...names.map((name) => [name, ([, share]: [string, Share]) => JSON.stringify(share[name])] as const),
        ]}
      />
      <Rows
        rows={result.rules}
        rowKey={(rule) => rule.key}
        columns={[
          [t("规则", "Rule"), (rule) => <span className="mono">{rule.key}</span>],
          [t("召回", "Recall"), (rule) => rule.recall ?? "–"],
          [t("未能计算", "Failed"), (rule) => rule.failed],
          ...names.map((name) => [name, (rule: Result["rules"][number]) => JSON.stringify(rule.hits[name])] as const),
        ]}
      />
    </>
  );
}
