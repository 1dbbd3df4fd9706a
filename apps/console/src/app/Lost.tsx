import { Button, Result } from "antd";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { PageFrame } from "@/app/PageFrame";
import { useText } from "@/app/text";

export function Lost(): ReactNode {
  const t = useText();
  return (
    <PageFrame zh="没有这个页面" en="There is no such page">
      <p>
        <Link to="/">{t("回到看板", "Back to the dashboard")}</Link>
      </p>
    </PageFrame>
  );
}

/** What is shown when a page breaks: nothing that was sent is lost by that. */
export function Problem(): ReactNode {
  const t = useText();
  return (
    <Result
      status="error"
      title={t("页面出错了", "This page broke")}
      subTitle={t(
        "已提交的操作不受影响，重新载入即可继续。",
        "What was sent is not affected. Load the page again to go on.",
      )}
      extra={<Button onClick={() => location.reload()}>{t("重新载入", "Load again")}</Button>}
    />
  );
}
