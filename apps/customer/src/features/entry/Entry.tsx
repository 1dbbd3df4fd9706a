import { lazy, Suspense, useState } from "react";
import { OfflineNotice } from "@/app/Frame";
import { usePrefs, useText } from "@/app/prefs";
import { Waiting } from "@/app/ui";
import { LogIn } from "./LogIn";
import { TEXTS } from "./texts";

const SignUp = lazy(() => import("./SignUp"));

/** What somebody sees who is not logged in. */
export function Entry({ hasEnded }: { hasEnded: boolean }) {
  const t = useText(TEXTS);
  const { language, change } = usePrefs();
  const [isNew, setNew] = useState(false);
  return (
    <main id="content" className="welcome">
      <OfflineNotice />
      <div className="welcome-head">
        <img src="/app/icon.svg" alt="" />
        <div>
          <h1>{t("welcome")}</h1>
          <p className="lead">{t("lead")}</p>
        </div>
      </div>
      {hasEnded && (
        <p role="alert" className="notice notice-info">
          {t("ended")}
        </p>
      )}
      {isNew ? (
        <Suspense fallback={<Waiting />}>
          <SignUp />
        </Suspense>
      ) : (
        <LogIn />
      )}
      <div className="links">
        <button type="button" className="link" onClick={() => setNew(!isNew)}>
          {t(isNew ? "have_account" : "new_here")}
        </button>
        <button
          type="button"
          className="link"
          lang={language === "zh" ? "en" : "zh-CN"}
          onClick={() => change({ language: language === "zh" ? "en" : "zh" })}
        >
          {language === "zh" ? "English" : "中文"}
        </button>
      </div>
    </main>
  );
}
