import { ApiError, type Language, unwrap } from "@huitong/kit";
import { useState } from "react";
import { api } from "@/app/api";
import { usePrefs, useText } from "@/app/prefs";
import { Choice } from "@/app/Choice";
import { Card, Failure, Page } from "@/app/ui";
import { TEXTS } from "./texts";

/** How the app looks and speaks. */
export default function Settings() {
  const t = useText(TEXTS);
  const { language, theme, isElder, change } = usePrefs();
  const [error, setError] = useState<ApiError | null>(null);

  async function speak(chosen: Language) {
    change({ language: chosen });
    setError(null);
    try {
      await unwrap(api.PUT("/v1/identity/language", { body: { language: chosen } }));
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setError(caught);
    }
  }

  return (
    <Page title={t("settings")} back="/mine">
      <Card>
        <Choice
          label={t("mode")}
          value={isElder ? "elder" : "normal"}
          options={[
            ["normal", t("normal")],
            ["elder", t("elder")],
          ]}
          onChange={(mode) => change({ isElder: mode === "elder" })}
        />
        <Choice
          label={t("theme")}
          value={theme}
          options={[
            ["auto", t("auto")],
            ["light", t("light")],
            ["dark", t("dark")],
          ]}
          onChange={(chosen) => change({ theme: chosen })}
        />
        <Choice
          label={t("language")}
          value={language}
          options={[
            ["zh", "中文"],
            ["en", "English"],
          ]}
          onChange={(chosen) => void speak(chosen)}
        />
        <p className="small">{t("language_note")}</p>
        {error !== null && <Failure error={error} onRetry={() => void speak(language)} />}
      </Card>
    </Page>
  );
}
