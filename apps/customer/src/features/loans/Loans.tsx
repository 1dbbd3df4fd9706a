import { showDay, showMoney, unwrap } from "@huitong/kit";
import { api } from "@/app/api";
import { useLoaded } from "@/app/loaded";
import { usePrefs, useText } from "@/app/prefs";
import { Card, Empty, Failure, Page, Row, Rows, Waiting } from "@/app/ui";
import { showRate, TEXTS } from "./texts";

const HIDDEN = new Set(["lent", "withdrawn", "lapsed"]);

/** What somebody owes, has asked for, and may ask for. */
export default function Loans() {
  const t = useText(TEXTS);
  const { language, isElder } = usePrefs();
  const { data, error, reload } = useLoaded("loans", async () => {
    const [loans, applications, products] = await Promise.all([
      unwrap(api.GET("/v1/loans")),
      unwrap(api.GET("/v1/loan-applications")),
      unwrap(api.GET("/v1/loan-products")),
    ]);
    return { loans: loans.data, applications: applications.data, products: products.data };
  });
  const applications = data?.applications.filter((each) => !HIDDEN.has(each.stage)) ?? [];
  return (
    <Page title={t("title")} {...(isElder ? { back: "/mine" } : {})}>
      {error !== null && <Failure error={error} onRetry={reload} />}
      {data === null && error === null && <Waiting lines={6} />}
      {data !== null && (
        <>
          <Card title={t("mine")}>
            {data.loans.length === 0 && <Empty icon="loan">{t("none")}</Empty>}
            <Rows>
              {data.loans.map((loan) => (
                <Row
                  key={loan.id}
                  icon="loan"
                  title={t("left", { sum: showMoney(loan.not_due) })}
                  note={
                    loan.next_due_on === null
                      ? t(loan.state)
                      : t("next_due", { day: showDay(loan.next_due_on, language) })
                  }
                  to={`/loans/${loan.id}`}
                />
              ))}
            </Rows>
          </Card>
          {applications.length > 0 && (
            <Card title={t("applications")}>
              <Rows>
                {applications.map(({ id, stage, offer, wish }) => (
                  <Row
                    key={id}
                    icon="clock"
                    title={showMoney((offer ?? wish)?.amount ?? { amount: "0", currency: "CNY" })}
                    note={t(stage)}
                    to={`/loans/applications/${id}`}
                  />
                ))}
              </Rows>
            </Card>
          )}
          <Card title={t("products")}>
            {data.products.length === 0 && <p className="lead">{t("no_products")}</p>}
            <Rows>
              {data.products.map((product) => (
                <Row
                  key={product.code}
                  icon="card"
                  title={language === "zh" ? product.name_zh : product.name_en}
                  note={t("rate_span", {
                    min: showRate(product.rate_min),
                    max: showRate(product.rate_max),
                  })}
                  to={`/loans/apply/${product.code}`}
                />
              ))}
            </Rows>
          </Card>
        </>
      )}
    </Page>
  );
}
