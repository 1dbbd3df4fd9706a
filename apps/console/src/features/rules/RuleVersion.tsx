import type { ReactNode } from "react";
import { useParams } from "react-router";
import { api, type Schema } from "@/app/api";
import { Facts, PageFrame, Part } from "@/app/PageFrame";
import { Rows } from "@/app/Rows";
import { Id, Instant, Loaded, State } from "@/app/Show";
import { usePreferences, useText } from "@/app/text";
import { useLoad } from "@/app/useLoad";
import { Backtest } from "./Backtest";
import { RuleActs } from "./RuleActs";

interface Rule {
  key: string;
  predicate: string;
  action: string;
  weight: number;
  reason_zh: string;
  reason_en: string;
  source: string;
}

export function Page(): ReactNode {
  const { version = "" } = useParams();
  const found = useLoad(["rules", version], () =>
    api.GET("/v1/risk/rules/{version}", { params: { path: { version } } }),
  );
  return <Loaded query={found}>{(data) => <Whole version={data} />}</Loaded>;
}

function Whole({ version }: { version: Schema["RuleVersionView"] }): ReactNode {
  const t = useText();
  const { language } = usePreferences();
  // The API writes rules as it takes them; their shape is that of the body for saving.
  const rules = version.rules as unknown as Rule[];
  return (
    <PageFrame zh="规则版本" en="Version of rules" lead={<span className="mono">{version.id}</span>} acts={<RuleActs version={version} />}>
      <Part zh="概况" en="At a glance">
        <Facts
          of={[
            [t("用途", "Of"), <State key="p" of={version.purpose} />],
            [t("状态", "State"), <State key="s" of={version.state} />],
            [t("序号", "Number"), version.number],
            [t("生效自", "From"), <Instant key="f" at={version.effective_from} />],
            [t("至", "Until"), <Instant key="u" at={version.effective_to} />],
            [t("作者", "By"), <Id key="b" id={version.created_by} />],
          ]}
        />
      </Part>
      <Backtest version={version} />
      <Part zh="规则" en="Rules">
        <Rows
          rows={rules}
          rowKey={(rule) => rule.key}
          columns={[
            [t("规则", "Rule"), (rule) => <span className="mono">{rule.key}</span>],
            [t("处置", "Action"), (rule) => <State of={rule.action} />],
            [t("权重", "Weight"), (rule) => rule.weight],
            [t("条件", "When"), (rule) => <code className="mono">{rule.predicate}</code>],
            [t("说明", "Why"), (rule) => (language === "zh" ? rule.reason_zh : rule.reason_en)],
            [t("依据", "Source"), (rule) => rule.source],
          ]}
        />
      </Part>
    </PageFrame>
  );
}
