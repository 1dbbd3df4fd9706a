import { ApiError } from "@huitong/kit";
import { useState } from "react";
import { usePrefs, useText } from "@/app/prefs";
import { useCustomer, useSession } from "@/app/session";
import { Action, Card, Failure, Page, Row, Rows } from "@/app/ui";
import { TEXTS } from "./texts";

/** Everything about the person; in elder mode the four that matter. */
export default function Mine() {
  const t = useText(TEXTS);
  const { isElder } = usePrefs();
  const customer = useCustomer();
  const { logOut } = useSession();
  const [error, setError] = useState<ApiError | null>(null);

  async function leave() {
    try {
      await logOut();
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setError(caught);
    }
  }

  if (isElder)
    return (
      <Page title={t("more")} back="/">
        <Card>
          <Rows>
            <Row icon="lock" title={t("loss")} to="/report-loss" />
            <Row icon="bell" title={t("messages")} to="/messages" />
            <Row icon="shield" title={t("security")} to="/security" />
            <Row icon="gear" title={t("settings")} to="/settings" />
          </Rows>
        </Card>
      </Page>
    );
  return (
    <Page title={t("mine")}>
      <Card className="hero">
        <p className="hero-label">{customer.mobile ?? ""}</p>
        <p className="hero-sum">{customer.name ?? ""}</p>
        <p className="hero-note">
          {t("account_class", { class: "ⅠⅡⅢ"[customer.account_class - 1] ?? "" })} · {customer.account}
        </p>
      </Card>
      <Card>
        <Rows>
          <Row icon="bell" title={t("messages")} to="/messages" />
          <Row icon="shield" title={t("security")} note={t("security_note")} to="/security" />
          <Row icon="lock" title={t("loss")} to="/report-loss" />
          <Row icon="person" title={t("privacy")} note={t("privacy_note")} to="/privacy" />
          <Row icon="gear" title={t("settings")} to="/settings" />
        </Rows>
      </Card>
      {error !== null && <Failure error={error} onRetry={() => void leave()} />}
      <Action kind="plain" onClick={() => void leave()}>
        {t("log_out")}
      </Action>
    </Page>
  );
}
