import { ApiError, type components, unwrap } from "@huitong/kit";
import { useState } from "react";
import { api } from "@/app/api";
import { useLoaded } from "@/app/loaded";
import { usePrefs, useText } from "@/app/prefs";
import { useCustomer } from "@/app/session";
import { Action, Card, Failure, Waiting } from "@/app/ui";
import { TEXTS } from "./texts";

type Text = components["schemas"]["ConsentTextView"];
type Consent = components["schemas"]["ConsentView"];

/** What somebody has agreed to, each with its text, and how to give or withdraw it. */
export function Consents() {
  const t = useText(TEXTS);
  const { id } = useCustomer();
  const { data, error, reload } = useLoaded("consents", async () => {
    const params = { path: { customer: id } };
    const [texts, consents] = await Promise.all([
      unwrap(api.GET("/v1/privacy/consent-texts")),
      unwrap(api.GET("/v1/privacy/customers/{customer}/consents", { params })),
    ]);
    return texts.data.map((text) => ({
      text,
      consent: consents.data.find((each) => each.purpose === text.purpose),
    }));
  });
  return (
    <Card title={t("consents")}>
      {error !== null && <Failure error={error} onRetry={reload} />}
      {data === null && error === null && <Waiting lines={4} />}
      <ul className="rows">
        {data?.map(({ text, consent }) => (
          <Consent key={text.purpose} text={text} consent={consent} onChanged={reload} />
        ))}
      </ul>
    </Card>
  );
}

function Consent({ text, consent, onChanged }: {
  text: Text;
  consent: Consent | undefined;
  onChanged: () => void;
}) {
  const t = useText(TEXTS);
  const { language } = usePrefs();
  const { id } = useCustomer();
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const isGiven = consent?.is_given === true;
  const title = text.title[language];

  async function change() {
    setBusy(true);
    setError(null);
    const header = { "Idempotency-Key": crypto.randomUUID() };
    const params = { path: { customer: id }, header };
    const { purpose, version } = text;
    const base = "/v1/privacy/customers/{customer}/consents";
    try {
      await (isGiven
        ? unwrap(api.POST(`${base}/withdraw`, { params, body: { purpose, channel: "app" } }))
        : unwrap(api.POST(base, { params, body: { purpose, version, channel: "app" } })));
      onChanged();
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setError(caught);
    } finally {
      setBusy(false);
    }
  }

  return (
    <li className="stack consent">
      <div className="row">
        <span className="row-text">
          <span className="row-title">{title}</span>
          <span className="row-note">
            {isGiven
              ? t("given", { version: consent.version_given ?? text.version })
              : t("not_given")}
          </span>
        </span>
        <Action
          kind={isGiven ? "danger" : "plain"}
          isBusy={isBusy}
          aria-label={`${t(isGiven ? "withdraw" : "agree")}: ${title}`}
          onClick={() => void change()}
        >
          {t(isGiven ? "withdraw" : "agree")}
        </Action>
      </div>
      <details>
        <summary>{t("read_text")}</summary>
        <p className="small">{text.text[language]}</p>
        <p className="small">{t("if_withdrawn", { text: text.withdrawing[language] })}</p>
      </details>
      {error !== null && <Failure error={error} onRetry={() => void change()} />}
    </li>
  );
}
