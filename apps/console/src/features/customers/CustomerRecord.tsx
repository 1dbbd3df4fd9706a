import { Alert } from "antd";
import type { ReactNode } from "react";
import { useState } from "react";
import { useParams } from "react-router";
import { ActButton, REASON } from "@/app/ActButton";
import { api, type Schema } from "@/app/api";
import { Facts, PageFrame, Part } from "@/app/PageFrame";
import { Rows } from "@/app/Rows";
import { usePermits } from "@/app/session";
import { Amount, Id, Instant, Loaded, Nothing, State } from "@/app/Show";
import { usePreferences, useText } from "@/app/text";
import { useLoad } from "@/app/useLoad";
import { wordOf } from "@/app/words";

/** Why somebody may be looked at whole: the privacy room checks that there is such work. */
const PURPOSES = [
  { value: "customer_service", zh: "客户服务", en: "Customer service" },
  { value: "identity_check", zh: "身份核对", en: "Identity check" },
  { value: "payment_repair", zh: "支付差错处理", en: "Repair of a payment" },
  { value: "subject_request", zh: "客户的数据请求", en: "The customer's own request" },
  { value: "credit_review", zh: "信贷审核", en: "Credit review" },
  { value: "collection", zh: "催收", en: "Collection" },
  { value: "fraud_investigation", zh: "欺诈调查", en: "Fraud investigation" },
  { value: "aml_investigation", zh: "反洗钱调查", en: "Anti-money-laundering investigation" },
  { value: "legal_request", zh: "有权机关查询", en: "Legal request" },
  { value: "audit_sampling", zh: "审计抽样", en: "Audit sampling" },
] as const;

export function Page(): ReactNode {
  const { customer = "" } = useParams();
  const permits = usePermits();
  const record = useLoad(["person", customer], () =>
    api.GET("/v1/staff/customers/{customer}", { params: { path: { customer } } }),
  );
  return (
    <Loaded query={record}>
      {(data) => (
        <PageFrame
          zh="客户"
          en="Customer"
          lead={<span className="mono">{customer}</span>}
          acts={permits("customers:manage") && <Freeze customer={customer} />}
        >
          <Person record={data} />
          {permits("customers:read") && <Limits customer={customer} />}
          {permits("customers:manage") && <Restrictions customer={customer} />}
          {permits("accounts:read") && <Account account={data.customer.account} />}
          {permits("loans:read") && <Loans customer={customer} />}
        </PageFrame>
      )}
    </Loaded>
  );
}

function Person({ record }: { record: Schema["PersonRecordView"] }): ReactNode {
  const t = useText();
  const permits = usePermits();
  const { customer, identity } = record;
  const [shown, setShown] = useState<Schema["ShownFieldView"][] | null>(null);
  return (
    <Part
      zh="身份"
      en="Who it is"
      acts={
        permits("people:disclose") && (
          <ActButton
            zh="查看完整信息"
            en="See it whole"
            fields={[{ name: "purpose", zh: "用途", en: "Purpose", options: PURPOSES }, REASON]}
            send={({ purpose = "", reason = "" }) =>
              api.POST("/v1/staff/customers/{customer}/disclosures", {
                params: { path: { customer: customer.id } },
                body: { purpose, reason },
              })
            }
            done={t("已显示，并记录了您的查看。", "Shown, and your look is recorded.")}
            after={({ data }) => setShown(data)}
          >
            <p className="quiet">
              {t("客户本人能看到谁在何时因何查看过。", "The customer sees who looked, when and why.")}
            </p>
          </ActButton>
        )
      }
    >
      <Facts
        of={[
          [t("姓名", "Name"), customer.name],
          [t("手机号", "Mobile"), customer.mobile],
          [t("证件号码", "Document"), identity?.id_number],
          [t("住址", "Address"), identity?.address],
          [t("证件有效期", "Valid until"), identity?.valid_until],
          [t("账户类别", "Class"), customer.account_class],
          [t("开户", "Opened"), <Instant key="o" at={customer.opened_at} />],
          [t("下次复核", "Next review"), identity?.review_due],
        ]}
      />
      {shown && (
        <Alert
          type="warning"
          message={t("完整信息，离开本页即消失", "Whole, until you leave this page")}
          description={<Facts of={shown.map((each) => [each.field, each.value] as const)} />}
        />
      )}
    </Part>
  );
}

function Freeze({ customer }: { customer: string }): ReactNode {
  const t = useText();
  return (
    <ActButton
      zh="申请冻结"
      en="Ask to freeze"
      isDanger
      fields={[
        {
          name: "scope",
          zh: "范围",
          en: "Scope",
          options: [
            { value: "debits", zh: "只收不付", en: "Money may still come in" },
            { value: "all", zh: "不收不付", en: "Nothing moves" },
          ],
        },
        REASON,
      ]}
      send={({ scope, reason = "" }, key) =>
        api.POST("/v1/customers/{customer}/freeze", {
          params: { path: { customer }, header: { "Idempotency-Key": key } },
          body: { scope: scope === "all" ? "all" : "debits", reason },
        })
      }
      done={t("已提交，等待另一位同事批准。", "Asked for: a colleague decides.")}
    />
  );
}

function Limits({ customer }: { customer: string }): ReactNode {
  const t = useText();
  const { language } = usePreferences();
  const limits = useLoad(["limits", customer], () =>
    api.GET("/v1/customers/{customer}/limits", { params: { path: { customer } } }),
  );
  return (
    <Part zh="限额" en="Limits">
      <Loaded query={limits}>
        {({ meters }) => (
          <Rows
            rows={meters}
            rowKey={(meter) => meter.meter}
            columns={[
              [t("项目", "Of"), (meter) => wordOf(meter.meter, language)],
              [t("今日剩余", "Left today"), (meter) => <Amount of={meter.day?.left} />],
              [t("每日上限", "A day"), (meter) => <Amount of={meter.day?.maximum} />],
              [t("今年剩余", "Left this year"), (meter) => <Amount of={meter.year?.left} />],
              [t("每年上限", "A year"), (meter) => <Amount of={meter.year?.maximum} />],
            ]}
          />
        )}
      </Loaded>
    </Part>
  );
}

function Restrictions({ customer }: { customer: string }): ReactNode {
  const t = useText();
  const found = useLoad(["restrictions", customer], () =>
    api.GET("/v1/customers/{customer}/restrictions", { params: { path: { customer } } }),
  );
  return (
    <Part zh="限制" en="Restrictions">
      <Loaded query={found}>
        {({ restrictions }) =>
          restrictions.length === 0 ? (
            <Nothing>{t("没有限制", "There are none")}</Nothing>
          ) : (
            <Rows
              rows={restrictions}
              rowKey={(each) => each.kind + each.since}
              columns={[
                [t("来源", "From"), (each) => each.kind],
                [t("范围", "Scope"), (each) => <State of={each.scope} />],
                [t("理由", "Reason"), (each) => each.reason],
                [t("自", "Since"), (each) => <Instant at={each.since} />],
              ]}
            />
          )
        }
      </Loaded>
    </Part>
  );
}

function Account({ account }: { account: string }): ReactNode {
  const t = useText();
  const found = useLoad(["account", account], () =>
    api.GET("/v1/accounts/{account}", { params: { path: { account } } }),
  );
  return (
    <Part zh="账户" en="Account">
      <Loaded query={found}>
        {(data) => (
          <Facts
            of={[
              [t("账户", "Account"), <Id key="i" id={data.id} to={`/ledger/accounts/${data.id}`} />],
              [t("状态", "State"), <State key="s" of={data.state} />],
              [t("余额", "Balance"), <Amount key="b" of={data.balance} />],
              [t("可用", "Available"), <Amount key="a" of={data.available} />],
            ]}
          />
        )}
      </Loaded>
    </Part>
  );
}

function Loans({ customer }: { customer: string }): ReactNode {
  const t = useText();
  const found = useLoad(["loans", customer], () => api.GET("/v1/loans", { params: { query: { customer } } }));
  return (
    <Part zh="贷款" en="Loans">
      <Loaded query={found}>
        {({ data }) =>
          data.length === 0 ? (
            <Nothing>{t("没有贷款", "No loans")}</Nothing>
          ) : (
            <Rows
              rows={data}
              rowKey={(loan) => loan.id}
              columns={[
                [t("贷款", "Loan"), (loan) => <Id id={loan.id} />],
                [t("状态", "State"), (loan) => <State of={loan.state} />],
                [t("本金", "Principal"), (loan) => <Amount of={loan.principal} />],
                [t("现欠", "Owed now"), (loan) => <Amount of={loan.owed_now} />],
                [t("逾期天数", "Days overdue"), (loan) => loan.days_past_due],
              ]}
            />
          )
        }
      </Loaded>
    </Part>
  );
}
