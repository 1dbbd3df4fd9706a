import { ApiError, unwrap } from "@huitong/kit";
import { useEffect, useState } from "react";
import { api } from "@/app/api";
import { useText } from "@/app/prefs";
import { device } from "@/app/session";
import { Action, Failure, Field } from "@/app/ui";
import { TEXTS } from "./texts";

export interface Proof {
  code_id: string;
  code: string;
}

/** A mobile number and the code that is sent to it. */
export function Code({ submit, isBusy, onProof }: {
  submit: string;
  isBusy: boolean;
  onProof: (proof: Proof, mobile: string) => void;
}) {
  const t = useText(TEXTS);
  const [mobile, setMobile] = useState("");
  const [code, setCode] = useState("");
  const [sent, setSent] = useState<{ id: string; again: number } | null>(null);
  const [seconds, setSeconds] = useState(0);
  const [error, setError] = useState<ApiError | null>(null);
  const [isSending, setSending] = useState(false);
  const isMobile = /^1\d{10}$/u.test(mobile);
  useEffect(() => {
    if (seconds <= 0) return;
    const timer = setTimeout(() => setSeconds(seconds - 1), 1000);
    return () => clearTimeout(timer);
  }, [seconds]);

  async function send() {
    setSending(true);
    setError(null);
    try {
      const body = { mobile, device: device() };
      const answer = await unwrap(api.POST("/v1/identity/codes", { body }));
      setSent({ id: answer.id, again: answer.resend_after_seconds });
      setSeconds(answer.resend_after_seconds);
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setError(caught);
    } finally {
      setSending(false);
    }
  }

  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (sent !== null && code !== "") onProof({ code_id: sent.id, code }, mobile);
      }}
    >
      <Field
        label={t("mobile")}
        type="tel"
        inputMode="numeric"
        autoComplete="tel-national"
        maxLength={11}
        value={mobile}
        error={mobile.length >= 11 && !isMobile ? t("mobile_wrong") : null}
        onChange={(event) => setMobile(event.target.value.trim())}
      />
      <div className="inline">
        <Field
          label={t("code")}
          inputMode="numeric"
          autoComplete="one-time-code"
          maxLength={6}
          value={code}
          onChange={(event) => setCode(event.target.value.trim())}
        />
        <Action
          kind="plain"
          disabled={!isMobile || seconds > 0}
          isBusy={isSending}
          onClick={() => void send()}
        >
          {seconds > 0 ? t("send_again", { seconds }) : t("send_code")}
        </Action>
      </div>
      <p className="small" role="status">
        {sent !== null && error === null ? t("code_sent") : ""}
      </p>
      {error !== null && <Failure error={error} onRetry={() => void send()} />}
      <Action submits isBusy={isBusy} disabled={sent === null || code.length < 6}>
        {submit}
      </Action>
    </form>
  );
}
