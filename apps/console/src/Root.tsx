import { ApiError, type Language } from "@huitong/kit";
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { App, ConfigProvider, theme as themes } from "antd";
import en from "antd/es/locale/en_US";
import zh from "antd/es/locale/zh_CN";
import type { ReactNode } from "react";
import { useEffect, useMemo, useState } from "react";
import { RouterProvider } from "react-router";
import { keepLanguage, readLanguage } from "@/app/api";
import { readNonce } from "@/app/nonce";
import { PreferencesContext, type Theme } from "@/app/text";
import { SessionContext, type StaffSession } from "@/app/session";
import { Door } from "@/Door";
import { router } from "@/routes";

const THEME = "huitong.console.theme";
const STALE_MS = 10_000;
const RETRIES_MAX = 2;

function readTheme(): Theme {
  const kept = localStorage.getItem(THEME);
  if (kept === "light" || kept === "dark") return kept;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

function makeQueries(end: () => void): QueryClient {
  const watch = {
    onError: (error: Error) => {
      if (error instanceof ApiError && error.isSessionEnded) end();
    },
  };
  return new QueryClient({
    queryCache: new QueryCache(watch),
    mutationCache: new MutationCache(watch),
    defaultOptions: {
      queries: {
        staleTime: STALE_MS,
        refetchIntervalInBackground: false,
        retry: (count, error) =>
          count < RETRIES_MAX && !(error instanceof ApiError && error.outcome === "refused"),
      },
    },
  });
}

export function Root(): ReactNode {
  const [language, setLanguage] = useState<Language>(readLanguage);
  const [theme, setTheme] = useState<Theme>(readTheme);
  const [session, setSession] = useState<StaffSession | null>(null);
  const [queries] = useState(() => makeQueries(() => setSession(null)));
  useEffect(() => {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
    document.documentElement.dataset["theme"] = theme;
  }, [language, theme]);
  const preferences = useMemo(
    () => ({
      language,
      theme,
      setLanguage: (next: Language) => {
        keepLanguage(next);
        setLanguage(next);
      },
      setTheme: (next: Theme) => {
        localStorage.setItem(THEME, next);
        setTheme(next);
      },
    }),
    [language, theme],
  );
  return (
    <PreferencesContext value={preferences}>
      <ConfigProvider
        csp={{ nonce: readNonce() }}
        locale={language === "zh" ? zh : en}
        button={{ autoInsertSpace: false }}
        wave={{ disabled: true }}
        theme={{
          algorithm: theme === "dark" ? themes.darkAlgorithm : themes.defaultAlgorithm,
          token: {
            colorPrimary: theme === "dark" ? "#2f6fd0" : "#0b57a4",
            colorLink: theme === "dark" ? "#7db4ff" : "#0b57a4",
            colorError: theme === "dark" ? "#ff8f85" : "#b3261e",
            colorTextPlaceholder: theme === "dark" ? "#a9b1be" : "#667085",
            colorTextDescription: theme === "dark" ? "#a9b1be" : "#586174",
            colorTextDisabled: theme === "dark" ? "#a9b1be" : "#667085",
            borderRadius: 6,
            fontFamily: "inherit",
            motion: false,
          },
        }}
      >
        <App>
          <QueryClientProvider client={queries}>
            {session === null ? (
              <Door onSignedIn={setSession} />
            ) : (
              <SessionContext value={{ session, end: () => setSession(null) }}>
                <RouterProvider router={router} />
              </SessionContext>
            )}
          </QueryClientProvider>
        </App>
      </ConfigProvider>
    </PreferencesContext>
  );
}
