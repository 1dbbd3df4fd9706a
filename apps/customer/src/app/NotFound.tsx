import { Link } from "react-router";
import { useText } from "./prefs";
import { COMMON } from "./texts";
import { Page } from "./ui";

export function NotFound() {
  const t = useText(COMMON);
  return (
    <Page title={t("not_found")} back="/">
      <Link className="action action-main" to="/">
        {t("to_home")}
      </Link>
    </Page>
  );
}
