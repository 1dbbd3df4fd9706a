import type { ReactNode } from "react";
import { api, type Schema } from "@/app/api";
import { type Column, DataTable } from "@/app/DataTable";
import type { Filter } from "@/app/FilterBar";
import { PageFrame } from "@/app/PageFrame";
import { Pill, State } from "@/app/Show";
import { useText } from "@/app/text";

type Rule = Schema["RulebookRuleView"];

const FILTERS: readonly Filter[] = [
  { key: "key", zh: "键名含", en: "Key has" },
  { key: "on", zh: "业务日", en: "As of", type: "day" },
];

function write(value: Rule["value"]): string {
  return Array.isArray(value) ? value.join(", ") : value;
}

const COLUMNS: readonly Column<Rule>[] = [
  { key: "key", zh: "键", en: "Key", value: (row) => row.key, render: (row) => <span className="mono">{row.key}</span> },
  { key: "value", zh: "值", en: "Value", align: "right", value: (row) => write(row.value), render: (row) => <span className="num">{write(row.value).slice(0, 60)}</span> },
  { key: "unit", zh: "单位", en: "Unit", value: (row) => row.unit },
  { key: "scope", zh: "范围", en: "Scope", value: (row) => row.scope },
  { key: "enforcement", zh: "效力", en: "Enforced", value: (row) => row.enforcement, render: (row) => <State of={row.enforcement} /> },
  { key: "effective_from", zh: "生效", en: "From", value: (row) => row.effective_from },
  { key: "effective_to", zh: "失效", en: "Until", value: (row) => row.effective_to },
  {
    key: "source", zh: "出处", en: "Source", value: (row) => [row.source.title, row.source.number, row.source.article].filter(Boolean).join(" "),
    render: (row) => <Source rule={row} />,
  },
  { key: "confidence", zh: "可信度", en: "Known", value: (row) => row.confidence, render: (row) => <Pill tone="plain">{row.confidence}</Pill> },
];

function Source({ rule }: { rule: Rule }): ReactNode {
  const { title, number, issuer, article } = rule.source;
  return (
    <span title={rule.note ?? issuer}>
      {title} <span className="quiet">{[number, article].filter(Boolean).join(" · ")}</span>
    </span>
  );
}

const ROWS_SHOWN = 50;

/** A page of what came at once: hundreds of rows in a table make a browser slow. */
function cut(rules: Rule[], from: number): { data: Rule[]; next_cursor: string | null } {
  const next = from + ROWS_SHOWN;
  return { data: rules.slice(from, next), next_cursor: next < rules.length ? String(next) : null };
}

export function Page(): ReactNode {
  const t = useText();
  return (
    <PageFrame
      zh="规则手册"
      en="Rulebook"
      lead={t("监管与产品参数：数值、出处和生效日期。S 为法规原文，V 为公开发布，K 为已知，T 为验算。", "Regulatory and product parameters with sources and dates. S: statute read; V: published; K: known; T: tested.")}
    >
      <section className="part">
        <DataTable
          name="rulebook"
          columns={COLUMNS}
          filters={FILTERS}
          rowKey={(row) => `${row.key} ${row.scope}`}
          load={({ key, on, cursor }) =>
            api.GET("/v1/staff/rulebook", { params: { query: on === undefined ? {} : { on } } }).then((answer) =>
              answer.data === undefined
                ? answer
                : {
                    ...answer,
                    data: cut(answer.data.data.filter((rule) => rule.key.includes(key ?? "")), Number(cursor ?? 0)),
                  },
            )
          }
        />
      </section>
    </PageFrame>
  );
}
