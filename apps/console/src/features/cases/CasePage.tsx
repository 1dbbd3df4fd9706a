import type { ReactNode } from "react";
import { lazy, Suspense } from "react";
import { useParams } from "react-router";
import { api, type Schema } from "@/app/api";
import { Facts, PageFrame, Part } from "@/app/PageFrame";
import { Rows } from "@/app/Rows";
import { Amount, Id, Instant, Loaded, State } from "@/app/Show";
import { usePreferences, useText } from "@/app/text";
import { useLoad } from "@/app/useLoad";
import { wordOf } from "@/app/words";
import { CaseActs } from "./CaseActs";

const Graph = lazy(() => import("./CaseGraph"));

export function Page(): ReactNode {
  const { case: id = "" } = useParams();
  const found = useLoad(["case", id], () => api.GET("/v1/risk/cases/{case}", { params: { path: { case: id } } }));
  return <Loaded query={found}>{(data) => <Whole found={data} />}</Loaded>;
}

function Whole({ found }: { found: Schema["CaseView"] }): ReactNode {
  const t = useText();
  return (
    <PageFrame zh="案件" en="Case" lead={<span className="mono">{found.id}</span>} acts={<CaseActs found={found} />}>
      <Part zh="概况" en="At a glance">
        <Facts
          of={[
            [t("状态", "State"), <State key="s" of={found.state} />],
            [t("优先级", "Priority"), found.priority],
            [t("预警数", "Alerts"), found.alerts],
            [t("涉险金额", "At risk"), found.at_risk.map((each) => <Amount key={each.currency} of={each} />)],
            [t("立案", "Opened"), <Instant key="o" at={found.opened_at} />],
            [t("经办人", "Whose"), <Id key="a" id={found.assigned_to} />],
            [t("结论", "Outcome"), <State key="c" of={found.outcome} />],
            [t("并入", "Merged into"), <Id key="m" id={found.merged_into} {...(found.merged_into ? { to: `/cases/${found.merged_into}` } : {})} />],
          ]}
        />
      </Part>
      <Part zh="关系图" en="Graph">
        <Suspense fallback={null}>
          <Graph id={found.id} />
        </Suspense>
      </Part>
      <div className="two">
        <Alerts id={found.id} />
        <Timeline id={found.id} />
      </div>
    </PageFrame>
  );
}

function Alerts({ id }: { id: string }): ReactNode {
  const t = useText();
  const alerts = useLoad(["case", id, "alerts"], () =>
    api.GET("/v1/risk/cases/{case}/alerts", { params: { path: { case: id }, query: { limit: 50 } } }),
  );
  return (
    <Part zh="预警" en="Alerts">
      <Loaded query={alerts}>
        {({ data }) => (
          <Rows
            rows={data}
            rowKey={(alert) => alert.decision}
            columns={[
              [t("决策", "Decision"), (alert) => <Id id={alert.decision} {...(alert.purpose === "payment" ? { to: `/payments/${alert.decision.replace("dec_", "pay_")}` } : {})} />],
              [t("对象", "Of"), (alert) => <State of={alert.purpose} />],
              [t("处置", "Action"), (alert) => <State of={alert.action} />],
              [t("金额", "Amount"), (alert) => <Amount of={alert.amount} />],
              [t("时间", "Time"), (alert) => <Instant at={alert.raised_at} />],
            ]}
          />
        )}
      </Loaded>
    </Part>
  );
}

function Timeline({ id }: { id: string }): ReactNode {
  const { language } = usePreferences();
  const entries = useLoad(["case", id, "timeline"], () =>
    api.GET("/v1/risk/cases/{case}/timeline", { params: { path: { case: id }, query: { limit: 50 } } }),
  );
  return (
    <Part zh="经过" en="Timeline">
      <Loaded query={entries}>
        {({ data }) => (
          <ol className="timeline">
            {data.map((entry) => (
              <li key={entry.at + entry.type}>
                <b>{wordOf(entry.type, language)}</b> · <Instant at={entry.at} /> · <Id id={entry.actor} />
                {entry.note && <div>{entry.note}</div>}
              </li>
            ))}
          </ol>
        )}
      </Loaded>
    </Part>
  );
}
