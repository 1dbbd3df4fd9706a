import { ApiError, type Money, unwrap } from "@huitong/kit";
import { useState } from "react";
import { useNavigate, useParams } from "react-router";
import { api } from "@/app/api";
import { useLoaded } from "@/app/loaded";
import { useText } from "@/app/prefs";
import { useCustomer } from "@/app/session";
import { Choice } from "@/app/Choice";
import { Action, Card, Failure, Field, Page, useAmount, Waiting } from "@/app/ui";
import { TEXTS, wordFor } from "./texts";

const CONSENT = "credit_report_query";

function key(): { "Idempotency-Key": string } {
  return { "Idempotency-Key": crypto.randomUUID() };
}

interface Wish {
  amount: Money;
  payments: number;
  use: string;
  method: Method;
}

const METHODS = ["level_payment", "equal_principal", "interest_first", "single_payment"] as const;
type Method = (typeof METHODS)[number];

/** Begins an application, fills it in, consents and hands it in; returns its id. */
async function apply(product: string, customer: string, wish: Wish, income: Money) {
  const texts = await unwrap(api.GET("/v1/privacy/consent-texts"));
  const version = texts.data.find((text) => text.purpose === CONSENT)?.version ?? 1;
  const begun = await unwrap(
    api.POST("/v1/loan-applications", { params: { header: key() }, body: { product } }),
  );
  const params = () => ({ path: { loan_application: begun.id }, header: key() });
  const base = "/v1/loan-applications/{loan_application}";
  const body = { wish, monthly_income: income };
  await unwrap(api.POST(`${base}/details`, { params: params(), body }));
  await unwrap(
    api.POST("/v1/privacy/customers/{customer}/consents", {
      params: { path: { customer }, header: key() },
      body: { purpose: CONSENT, version, channel: "app" },
    }),
  );
  await unwrap(api.POST(`${base}/submission`, { params: params(), body: {} }));
  return begun.id;
}

/** Asking for a loan of one product. */
export default function Apply() {
  const t = useText(TEXTS);
  const { product = "" } = useParams();
  const { id } = useCustomer();
  const navigate = useNavigate();
  const [amount, setAmount] = useState("");
  const [income, setIncome] = useState("");
  const [payments, setPayments] = useState("12");
  const [use, setUse] = useState<string | null>(null);
  const [hasAgreed, setAgreed] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const wanted = useAmount(amount);
  const earned = useAmount(income);
  const { data, error: loadError, reload } = useLoaded(`product ${product}`, () =>
    unwrap(api.GET("/v1/loan-products/{product}", { params: { path: { product } } })),
  );
  const terms = data?.data.at(-1)?.terms;
  const uses = readTexts(terms, "uses");
  const method = METHODS.find((each) => readTexts(terms, "methods").includes(each));
  const chosen = use ?? uses[0] ?? "household";
  const count = /^[1-9]\d{0,2}$/u.test(payments) ? Number(payments) : 0;

  async function handIn() {
    if (wanted.money === null || earned.money === null) return;
    setBusy(true);
    setError(null);
    try {
      const wish = { amount: wanted.money, payments: count, use: chosen, method: method ?? METHODS[0] };
      const application = await apply(product, id, wish, earned.money);
      await navigate(`/loans/applications/${application}`, { replace: true });
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setError(caught);
    } finally {
      setBusy(false);
    }
  }

  return (
    <Page title={t("apply")} back="/loans">
      {loadError !== null && <Failure error={loadError} onRetry={reload} />}
      {data === null && loadError === null && <Waiting lines={5} />}
      {data !== null && (
        <form
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            void handIn();
          }}
        >
          <Card>
            <Field
              label={t("amount")}
              inputMode="decimal"
              value={amount}
              error={wanted.wrong}
              onChange={(event) => setAmount(event.target.value)}
            />
            <Field
              label={t("payments")}
              inputMode="numeric"
              value={payments}
              error={count === 0 ? t("payments_wrong") : null}
              onChange={(event) => setPayments(event.target.value.trim())}
            />
            <Choice
              label={t("use")}
              value={chosen}
              options={uses.map((each) => [each, wordFor(t, each)] as const)}
              onChange={setUse}
            />
            <Field
              label={t("income")}
              inputMode="decimal"
              value={income}
              error={earned.wrong}
              onChange={(event) => setIncome(event.target.value)}
            />
            <label className="check">
              <input
                type="checkbox"
                checked={hasAgreed}
                onChange={(event) => setAgreed(event.target.checked)}
              />
              <span>{t("consent")}</span>
            </label>
            {error !== null && <Failure error={error} money={t("no_money")} />}
            <p className="small">{t("no_money")}</p>
            <Action
              submits
              isBusy={isBusy}
              disabled={!hasAgreed || wanted.money === null || earned.money === null || count === 0}
            >
              {t("hand_in")}
            </Action>
          </Card>
        </form>
      )}
    </Page>
  );
}

/** Returns a list of texts of a product's terms; empty if they have none of this name. */
function readTexts(terms: unknown, name: "uses" | "methods"): string[] {
  if (typeof terms !== "object" || terms === null) return [];
  const found = (terms as Record<string, unknown>)[name];
  return Array.isArray(found) ? found.map(String) : [];
}
