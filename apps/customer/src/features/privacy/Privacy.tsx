import { showInstant, unwrap } from "@huitong/kit";
import { api } from "@/app/api";
import { useLoaded } from "@/app/loaded";
import { usePrefs, useText } from "@/app/prefs";
import { useCustomer } from "@/app/session";
import { Card, Empty, Failure, Page, Row, Rows, Waiting } from "@/app/ui";
import { Consents } from "./Consents";
import { Requests } from "./Requests";
import { TEXTS } from "./texts";

function Readers() {
  const t = useText(TEXTS);
  const { language } = usePrefs();
  const customer = useCustomer();
  const { data, error, reload } = useLoaded("readers", () =>
    unwrap(
      api.GET("/v1/privacy/customers/{customer}/disclosures", {
        params: { path: { customer: customer.id } },
      }),
    ),
  );
  return (
    <Card title={t("readers")}>
      {error !== null && <Failure error={error} onRetry={reload} />}
      {data === null && error === null && <Waiting lines={2} />}
      {data?.data.length === 0 && <Empty icon="shield">{t("no_readers")}</Empty>}
      <Rows>
        {data?.data.map((each, index) => (
          <Row
            key={index}
            icon="person"
            title={t("reader", { role: each.role, purpose: each.purpose })}
            note={`${each.fields.join(", ")} · ${showInstant(each.disclosed_at, language)}`}
          />
        ))}
      </Rows>
    </Card>
  );
}

/** What a person may know and decide about their data. */
export default function Privacy() {
  const t = useText(TEXTS);
  return (
    <Page title={t("title")} back="/mine">
      <p className="lead">{t("lead")}</p>
      <Consents />
      <Readers />
      <Requests />
    </Page>
  );
}
