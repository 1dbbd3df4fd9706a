import type { ReactNode } from "react";
import { api } from "@/app/api";
import { Chart } from "@/app/Chart";
import { Rows } from "@/app/Rows";
import { Instant, Loaded, State } from "@/app/Show";
import { usePreferences, useText } from "@/app/text";
import { useLoad } from "@/app/useLoad";
import { wordOf } from "@/app/words";

const short = (id: string): string => (id.length > 14 ? `…${id.slice(-6)}` : id);

/** Whom a case is linked to, as a picture and as a list of links. */
export default function CaseGraph({ id }: { id: string }): ReactNode {
  const t = useText();
  const { language } = usePreferences();
  const graph = useLoad(["case", id, "graph"], () =>
    api.GET("/v1/risk/cases/{case}/graph", { params: { path: { case: id } } }),
  );
  return (
    <Loaded query={graph}>
      {({ nodes, edges, is_cut }) => (
        <>
          <Chart
            className="graph"
            label={t(`${nodes.length} 个主体，${edges.length} 条关系`, `${nodes.length} parties, ${edges.length} links`)}
            options={(ink) => ({
              legend: { data: [...new Set(nodes.map((node) => wordOf(node.kind, language)))], textStyle: { color: ink }, top: 0 },
              series: [
                {
                  type: "graph",
                  layout: "force",
                  roam: true,
                  force: { repulsion: 160, edgeLength: 90 },
                  label: { show: true, position: "right", color: ink },
                  categories: [...new Set(nodes.map((node) => wordOf(node.kind, language)))].map((name) => ({ name })),
                  data: nodes.map((node, index) => ({
                    id: String(index),
                    name: short(node.id),
                    category: wordOf(node.kind, language),
                    symbolSize: node.is_of_case ? 26 : 14,
                  })),
                  links: edges.map((edge) => ({ source: String(edge.source), target: String(edge.target) })),
                },
              ],
            })}
          />
          {is_cut && <p className="quiet">{t("图太大，只显示了一部分。", "The graph is too large: only a part is shown.")}</p>}
          <details>
            <summary>{t("关系列表", "The links as a list")}</summary>
            <Rows
              rows={edges}
              rowKey={(edge) => `${edge.source}-${edge.type}-${edge.target}`}
              columns={[
                [t("从", "From"), (edge) => <span className="mono">{nodes[edge.source]?.id}</span>],
                [t("关系", "Link"), (edge) => <State of={edge.type} />],
                [t("到", "To"), (edge) => <span className="mono">{nodes[edge.target]?.id}</span>],
                [t("次数", "Times"), (edge) => edge.times],
                [t("最近", "Last"), (edge) => <Instant at={edge.last_at} />],
              ]}
            />
          </details>
        </>
      )}
    </Loaded>
  );
}
