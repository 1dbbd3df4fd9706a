import { usePrefs, useText } from "@/app/prefs";
import { Card, Page, Row, Rows } from "@/app/ui";
import { Limits } from "./Limits";
import { Passkeys } from "./Passkeys";
import { Password, Pin } from "./Secrets";
import { Devices, Sessions } from "./Sessions";
import { TEXTS } from "./texts";

/** Everything that keeps an account safe. */
export default function Security() {
  const t = useText(TEXTS);
  const { isElder } = usePrefs();
  return (
    <Page title={t("title")} back="/mine">
      <Card>
        <Rows>
          <Row icon="warn" title={t("loss")} to="/report-loss" />
        </Rows>
      </Card>
      <Pin />
      {!isElder && (
        <>
          <Passkeys />
          <Password />
          <Limits />
          <Sessions />
          <Devices />
        </>
      )}
    </Page>
  );
}
