import { ApiError, unwrap } from "@huitong/kit";
import { Button, Skeleton } from "antd";
import type { ReactNode, SyntheticEvent } from "react";
import { useEffect, useState } from "react";
import { FieldInput } from "@/app/ActButton";
import { api, explain } from "@/app/api";
import { readCredential, startPasskey } from "@/app/passkeys";
import type { StaffSession } from "@/app/session";
import { usePreferences, useText } from "@/app/text";
import { Enrolment } from "@/Enrolment";

interface Props {
  onSignedIn: (session: StaffSession) => void;
}

/** Signing in: the password, and a code, a recovery code or a passkey. */
export function Door({ onSignedIn }: Props): ReactNode {
  const [isKnown, setKnown] = useState(false);
  const [isEnrolling, setEnrolling] = useState(location.hash.startsWith("#enrol"));
  const { language, setLanguage } = usePreferences();
  const t = useText();
  useEffect(() => {
    document.title = t("登录 · 汇通控制台", "Sign in · Huitong console");
  }, [t]);
  useEffect(() => {
    let isOver = false;
    // The browser may have a session still: its cookie cannot be seen, so the API is asked.
    unwrap(api.GET("/v1/staff/me"))
      .then((session) => {
        if (!isOver) onSignedIn(session);
      })
      .catch(() => {
        if (!isOver) setKnown(true);
      });
    return () => {
      isOver = true;
    };
  }, [onSignedIn]);
  return (
    <main className="door">
      <div className="door-card">
        <header>
          <h1>汇通 Huitong</h1>
          <p className="quiet">{t("员工控制台", "Staff console")}</p>
        </header>
        {!isKnown ? (
          <Skeleton active />
        ) : isEnrolling ? (
          <Enrolment onDone={() => setEnrolling(false)} />
        ) : (
          <SignIn onSignedIn={onSignedIn} />
        )}
        <footer className="page-head">
          <Button type="link" onClick={() => setEnrolling(!isEnrolling)}>
            {isEnrolling ? t("返回登录", "Back to signing in") : t("首次使用：登记", "First time: enrol")}
          </Button>
          <Button type="text" onClick={() => setLanguage(language === "zh" ? "en" : "zh")}>
            {language === "zh" ? "English" : "中文"}
          </Button>
        </footer>
      </div>
    </main>
  );
}

function SignIn({ onSignedIn }: Props): ReactNode {
  const t = useText();
  const { language } = usePreferences();
  const [error, setError] = useState<string | null>(null);
  const [isSending, setSending] = useState(false);
  const [isRecovery, setRecovery] = useState(false);

  const signIn = async (form: FormData, isPasskey: boolean): Promise<void> => {
    const read = (name: string): string => {
      const value = form.get(name);
      return typeof value === "string" ? value.trim() : "";
    };
    setSending(true);
    setError(null);
    try {
      const proof = isPasskey
        ? { passkey: await signChallenge() }
        : isRecovery
          ? { recovery_code: read("code") }
          : { code: read("code") };
      const body = { email: read("email"), password: read("password"), delivery: "cookie" as const, ...proof };
      const { session } = await unwrap(api.POST("/v1/staff/sessions", { body }));
      onSignedIn(session);
    } catch (caught) {
      setError(
        caught instanceof ApiError
          ? explain(caught, language)
          : t("没有使用通行密钥，请重试或改用验证码。", "No passkey was used. Try again, or use a code."),
      );
    } finally {
      setSending(false);
    }
  };
  const submit = (event: SyntheticEvent<HTMLFormElement, SubmitEvent>): void => {
    event.preventDefault();
    const button = event.nativeEvent.submitter;
    void signIn(new FormData(event.currentTarget), button?.getAttribute("value") === "passkey");
  };
  return (
    <form className="form" onSubmit={submit}>
      <FieldInput field={{ name: "email", zh: "工作邮箱", en: "Work e-mail" }} />
      <FieldInput field={{ name: "password", zh: "密码", en: "Password", type: "password" }} />
      <FieldInput
        key={String(isRecovery)}
        field={{
          name: "code",
          zh: isRecovery ? "恢复码" : "验证器的六位数字",
          en: isRecovery ? "Recovery code" : "Six digits of the authenticator",
          isOptional: true,
        }}
      />
      <p role="alert" className="problem">
        {error}
      </p>
      <Button type="primary" htmlType="submit" value="code" loading={isSending} block>
        {t("登录", "Sign in")}
      </Button>
      <Button htmlType="submit" value="passkey" disabled={isSending} block>
        {t("用通行密钥登录", "Sign in with a passkey")}
      </Button>
      <Button type="link" onClick={() => setRecovery(!isRecovery)}>
        {isRecovery ? t("用验证器", "Use the authenticator") : t("手机不在身边：用恢复码", "No phone: use a recovery code")}
      </Button>
    </form>
  );
}

async function signChallenge(): Promise<{ challenge_id: string; credential: Record<string, unknown> }> {
  const { challenge_id, public_key } = await unwrap(api.POST("/v1/staff/passkey-challenges", {}));
  return { challenge_id, credential: readCredential(await startPasskey(public_key)) };
}
