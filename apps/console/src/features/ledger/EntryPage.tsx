import type { ReactNode } from "react";
import { useParams } from "react-router";
import { api } from "@/app/api";
import { PageFrame } from "@/app/PageFrame";
import { Rows } from "@/app/Rows";
import { Amount, Id, Instant, Loaded, State } from "@/app/Show";
import { usePreferences, useText } from "@/app/text";
import { useLoad } from "@/app/useLoad";

export function Page(): ReactNode {
  const { entry = "" } = useParams();
  const t = useText();
  const { language } = usePreferences();
  const found = useLoad(["entry", entry], () => api.GET("/v1/ledger/entries/{entry}", { params: { path: { entry } } }));
  return (
    <PageFrame zh="分录" en="Journal entry" lead={<span className="mono">{entry}</span>}>
      <section className="part">
        <Loaded query={found}>
          {({ transfers }) => (
            <Rows
              rows={transfers}
              rowKey={(line) => line.id}
              columns={[
                [t("流水", "Transfer"), (line) => <Id id={line.id} />],
                [t("类型", "Kind"), (line) => <State of={line.kind} />],
                [t("借方", "Debit"), (line) => <Id id={line.debit_account} to={`/ledger/accounts/${line.debit_account}`} />],
                [t("贷方", "Credit"), (line) => <Id id={line.credit_account} to={`/ledger/accounts/${line.credit_account}`} />],
                [t("金额", "Amount"), (line) => <Amount of={line.amount} />],
                [t("摘要", "What"), (line) => (language === "zh" ? line.description_zh : line.description)],
                [t("业务日", "Day"), (line) => line.effective_on],
                [t("记账时间", "Recorded"), (line) => <Instant at={line.recorded_at} />],
              ]}
            />
          )}
        </Loaded>
      </section>
    </PageFrame>
  );
}
