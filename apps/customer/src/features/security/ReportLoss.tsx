import { Link } from "react-router";
import { useText } from "@/app/prefs";
import { Card, Page } from "@/app/ui";
import { EndOthers } from "./Sessions";
import { TEXTS } from "./texts";

/** What to do when a telephone is gone: at once, and by people. */
export default function ReportLoss() {
  const t = useText(TEXTS);
  return (
    <Page title={t("loss_title")} back="/mine">
      <p className="notice notice-warn">{t("loss_lead")}</p>
      <Card title={t("step", { number: 1 })}>
        <EndOthers kind="danger" text={t("loss_sessions")} onDone={() => undefined} />
      </Card>
      <Card title={t("step", { number: 2 })}>
        <Link className="action action-plain" to="/security">
          {t("loss_pin")}
        </Link>
      </Card>
      <Card title={t("step", { number: 3 })}>
        <p>{t("loss_call")}</p>
      </Card>
    </Page>
  );
}
