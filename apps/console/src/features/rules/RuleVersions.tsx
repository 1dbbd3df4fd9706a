import type { ReactNode } from "react";
import { ActButton } from "@/app/ActButton";
import { api, type Schema } from "@/app/api";
import { type Column, DataTable } from "@/app/DataTable";
import type { Filter } from "@/app/FilterBar";
import { PageFrame } from "@/app/PageFrame";
import { usePermits } from "@/app/session";
import { Id, Instant, State } from "@/app/Show";
import { useText } from "@/app/text";

type Version = Schema["RuleVersionView"];
type Purpose = Version["purpose"];

const FILTERS: readonly Filter[] = [
  { key: "purpose", zh: "用途", en: "Of", options: ["payment", "log_in", "onboarding", "loan"] },
];
const COLUMNS: readonly Column<Version>[] = [
  { key: "id", zh: "版本", en: "Version", value: (row) => row.id, render: (row) => <Id id={row.id} to={`/rules/${row.id}`} /> },
  { key: "number", zh: "序号", en: "Number", value: (row) => row.number },
  { key: "purpose", zh: "用途", en: "Of", value: (row) => row.purpose, render: (row) => <State of={row.purpose} /> },
  { key: "state", zh: "状态", en: "State", value: (row) => row.state, render: (row) => <State of={row.state} /> },
  { key: "rules", zh: "规则数", en: "Rules", align: "right", value: (row) => row.rules.length },
  { key: "is_tested", zh: "已回测", en: "Back-tested", value: (row) => (row.is_tested ? "✓" : "–") },
  { key: "effective_from", zh: "生效自", en: "From", value: (row) => row.effective_from, render: (row) => <Instant at={row.effective_from} /> },
  { key: "created_by", zh: "作者", en: "By", value: (row) => row.created_by, render: (row) => <Id id={row.created_by} /> },
  { key: "created_at", zh: "保存", en: "Saved", value: (row) => row.created_at, render: (row) => <Instant at={row.created_at} /> },
];

export function Page(): ReactNode {
  const t = useText();
  const permits = usePermits();
  return (
    <PageFrame
      zh="规则"
      en="Rules"
      lead={t("先保存，再回测或影子运行，最后由两人设为生效。", "Saved first, then back-tested or run in shadow, then set live by two.")}
      acts={permits("rules:write") && <Defaults />}
    >
      <section className="part">
        <DataTable
          name="rule-versions"
          columns={COLUMNS}
          filters={FILTERS}
          rowKey={(row) => row.id}
          empty={t("还没有规则版本", "No versions yet")}
          load={({ purpose, ...query }) =>
            api.GET("/v1/risk/rules", { params: { query: { ...query, purpose: (purpose ?? "payment") as Purpose } } })
          }
        />
      </section>
    </PageFrame>
  );
}

function Defaults(): ReactNode {
  const t = useText();
  return (
    <ActButton
      zh="保存默认规则为新版本"
      en="Save the default rules as a version"
      fields={[
        {
          name: "purpose",
          zh: "用途",
          en: "Of",
          options: [
            { value: "payment", zh: "支付", en: "Payments" },
            { value: "log_in", zh: "登录", en: "Log-ins" },
          ],
        },
      ]}
      send={({ purpose }, key) =>
        api.POST("/v1/risk/rules/defaults", {
          params: { header: { "Idempotency-Key": key } },
          body: { purpose: purpose as Purpose },
        })
      }
      done={t("已存为草稿。", "Saved as a draft.")}
    />
  );
}
