import { ApiError, unwrap } from "@huitong/kit";
import { Button } from "antd";
import type { ReactNode, SyntheticEvent } from "react";
import { useState } from "react";
import { FieldInput } from "@/app/ActButton";
import { api, explain } from "@/app/api";
import { usePreferences, useText } from "@/app/text";

interface Half {
  token: string;
  secret: string;
}

/** The first time: both halves of the invitation, a password of one's own, an authenticator. */
export function Enrolment({ onDone }: { onDone: () => void }): ReactNode {
  const t = useText();
  const { language } = usePreferences();
  const [half, setHalf] = useState<Half | null>(null);
  const [codes, setCodes] = useState<string[] | null>(null);
  const [error, setError] = useState<string | null>(null);

  const submit = async (event: SyntheticEvent<HTMLFormElement, SubmitEvent>): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const read = (name: string): string => {
      const value = form.get(name);
      return typeof value === "string" ? value.trim() : "";
    };
    setError(null);
    try {
      if (half === null) {
        const body = {
          token: read("token"),
          password: read("password"),
          ...(read("invitation") ? { invitation: read("invitation") } : {}),
        };
        const { secret } = await unwrap(api.POST("/v1/staff/enrolments", { body }));
        setHalf({ token: body.token, secret });
      } else {
        const body = { token: half.token, code: read("code") };
        setCodes((await unwrap(api.POST("/v1/staff/enrolments/finish", { body }))).recovery_codes);
      }
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setError(explain(caught, language));
    }
  };

  if (codes !== null) {
    return (
      <div className="form">
        <p>
          {t(
            "登记完成。请保存这些恢复码，每个只能用一次，之后不再显示。",
            "You are enrolled. Keep these recovery codes: each works once, and they are not shown again.",
          )}
        </p>
        <pre className="json">{codes.join("\n")}</pre>
        <Button type="primary" onClick={onDone}>
          {t("去登录", "Sign in")}
        </Button>
      </div>
    );
  }
  return (
    <form className="form" key={half === null ? "start" : "finish"} onSubmit={(event) => void submit(event)}>
      {half === null ? (
        <>
          <FieldInput field={{ name: "token", zh: "登记码", en: "Token to enrol with" }} />
          <FieldInput field={{ name: "invitation", zh: "邀请码", en: "Invitation", isOptional: true }} />
          <FieldInput field={{ name: "password", zh: "设置密码", en: "A password of your own", type: "password" }} />
        </>
      ) : (
        <>
          <p>
            {t("把这个密钥输入验证器应用：", "Put this secret into an authenticator application:")}{" "}
            <code className="mono">{half.secret}</code>
          </p>
          <FieldInput field={{ name: "code", zh: "验证器的六位数字", en: "Six digits of the authenticator" }} />
        </>
      )}
      <p role="alert" className="problem">
        {error}
      </p>
      <Button type="primary" htmlType="submit">
        {t("继续", "Go on")}
      </Button>
    </form>
  );
}
