import type { ReactNode } from "react";
import { useParams } from "react-router";
import { ActButton, REASON } from "@/app/ActButton";
import { api, type Schema } from "@/app/api";
import { Facts, PageFrame, Part } from "@/app/PageFrame";
import { usePermits } from "@/app/session";
import { Amount, Id, Instant, Loaded, Nothing, State } from "@/app/Show";
import { usePreferences, useText } from "@/app/text";
import { useLoad } from "@/app/useLoad";

type Application = Schema["LoanApplicationView"];

export function Page(): ReactNode {
  const { application = "" } = useParams();
  const found = useLoad(["loan-application", application], () =>
    api.GET("/v1/loan-applications/{loan_application}", { params: { path: { loan_application: application } } }),
  );
  return <Loaded query={found}>{(data) => <Whole application={data} />}</Loaded>;
}

function Whole({ application }: { application: Application }): ReactNode {
  const t = useText();
  const { language } = usePreferences();
  return (
    <PageFrame zh="贷款申请" en="Loan application" lead={<span className="mono">{application.id}</span>} acts={<Acts application={application} />}>
      <Part zh="概况" en="At a glance">
        <Facts
          of={[
            [t("阶段", "Stage"), <State key="s" of={application.stage} />],
            [t("客户", "Customer"), <Id key="c" id={application.customer} to={`/customers/${application.customer}`} />],
            [t("产品", "Product"), `${application.product} v${application.product_version}`],
            [t("已申诉", "Appealed"), application.has_appealed ? t("是", "Yes") : t("否", "No")],
            [t("由人决定", "Decided by a person"), application.is_decided_by_person ? t("是", "Yes") : t("否", "No")],
            [t("更新", "Changed"), <Instant key="u" at={application.changed_at} />],
          ]}
        />
      </Part>
      <div className="two">
        <TermsOf zh="客户所求" en="What is asked for" terms={application.wish} />
        <TermsOf zh="报价" en="Offer" terms={application.offer} />
      </div>
      {application.reasons.length > 0 && (
        <Part zh="理由" en="Reasons">
          <ul>
            {application.reasons.map((reason) => (
              <li key={reason.code}>{reason[language]}</li>
            ))}
          </ul>
        </Part>
      )}
      {application.facts && (
        <Part zh="决定所依据的事实" en="Facts to decide from">
          <Facts of={Object.entries(application.facts).map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)] as const)} />
        </Part>
      )}
    </PageFrame>
  );
}

function TermsOf({ zh, en, terms }: { zh: string; en: string; terms: Application["wish"] }): ReactNode {
  const t = useText();
  return (
    <Part zh={zh} en={en}>
      {terms === null ? (
        <Nothing>{t("还没有", "Not yet")}</Nothing>
      ) : (
        <Facts
          of={[
            [t("金额", "Amount"), <Amount key="a" of={terms.amount} />],
            [t("期数", "Payments"), terms.payments],
            [t("还款方式", "Method"), terms.method],
            [t("年利率", "Rate a year"), terms.rate],
            [t("用途", "Use"), terms.use],
            [t("等级", "Grade"), terms.grade],
          ]}
        />
      )}
    </Part>
  );
}

function Acts({ application }: { application: Application }): ReactNode {
  const t = useText();
  const permits = usePermits();
  if (!permits("loans:decide") || application.stage !== "review") return null;
  const path = { loan_application: application.id };
  const currency = application.wish?.amount.currency ?? "CNY";
  return (
    <>
      <ActButton
        zh="报价"
        en="Offer"
        isPrimary
        fields={[
          { name: "limit", zh: "金额上限", en: "At most", type: "money", initial: application.wish?.amount.amount ?? "" },
          { name: "rate", zh: "年利率（如 0.12）", en: "Rate a year (such as 0.12)", initial: application.wish?.rate ?? "" },
          { name: "grade", zh: "等级", en: "Grade", isOptional: true },
          REASON,
        ]}
        send={({ limit = "", rate = "", grade, reason = "" }, key) =>
          api.POST("/v1/loan-applications/{loan_application}/offer", {
            params: { path, header: { "Idempotency-Key": key } },
            body: { limit: { amount: limit, currency }, rate, reason, ...(grade === undefined ? {} : { grade }) },
          })
        }
        done={t("已报价。", "Offered.")}
      />
      <ActButton
        zh="拒绝"
        en="Refuse"
        isDanger
        fields={[
          { name: "reason_zh", zh: "中文理由", en: "Reason in Chinese", type: "area" },
          { name: "reason_en", zh: "英文理由", en: "Reason in English", type: "area" },
        ]}
        send={({ reason_zh = "", reason_en = "" }, key) =>
          api.POST("/v1/loan-applications/{loan_application}/refusal", {
            params: { path, header: { "Idempotency-Key": key } },
            body: { reason_zh, reason_en },
          })
        }
        done={t("已拒绝，客户会看到理由。", "Refused; the customer sees why.")}
      />
    </>
  );
}
