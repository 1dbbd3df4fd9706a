import { ApiError, unwrap } from "@huitong/kit";
import { useQueryClient } from "@tanstack/react-query";
import { App, Button, Modal } from "antd";
import type { ReactNode, SyntheticEvent } from "react";
import { useId, useState } from "react";
import { explain, newKey } from "@/app/api";
import { usePreferences, useText } from "@/app/text";

type Asked<T> = Parameters<typeof unwrap<T>>[0];

export interface Field {
  name: string;
  zh: string;
  en: string;
  options?: readonly { value: string; zh: string; en: string }[];
  type?: "text" | "area" | "money" | "instant" | "day" | "password";
  isOptional?: boolean;
  initial?: string;
  hint?: string;
}

interface Props<T> {
  zh: string;
  en: string;
  fields?: readonly Field[];
  /** Sends it; `key` stays the same until there is an answer, so that nothing is done twice. */
  send: (values: Record<string, string>, key: string) => Asked<T>;
  /** What is said afterwards. */
  done: string | ((answer: T) => string);
  after?: (answer: T) => void;
  isDanger?: boolean;
  isPrimary?: boolean;
  children?: ReactNode;
}

/** A button for an act with a form of its own: what it does, why, and what came of it. */
export function ActButton<T>(props: Props<T>): ReactNode {
  const { zh, en, fields = [], send, done, after, isDanger, isPrimary, children } = props;
  const t = useText();
  const { language } = usePreferences();
  const { message } = App.useApp();
  const queries = useQueryClient();
  const form = useId();
  const [isOpen, setOpen] = useState(false);
  const [key, setKey] = useState(newKey);
  const [error, setError] = useState<ApiError | null>(null);
  const [isSending, setSending] = useState(false);

  const submit = async (event: SyntheticEvent<HTMLFormElement, SubmitEvent>): Promise<void> => {
    event.preventDefault();
    if (isSending) return;
    const values: Record<string, string> = {};
    for (const [name, value] of new FormData(event.currentTarget)) {
      if (typeof value === "string" && value !== "") values[name] = value;
    }
    setSending(true);
    try {
      const answer = await unwrap(send(values, key));
      setOpen(false);
      setError(null);
      void message.success(typeof done === "string" ? done : done(answer));
      setKey(newKey());
      after?.(answer);
      await queries.invalidateQueries();
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setError(caught);
      // Only a clear no makes the next attempt another act.
      if (caught.outcome === "refused") setKey(newKey());
    } finally {
      setSending(false);
    }
  };
  const title = t(zh, en);
  return (
    <>
      <Button
        {...(isPrimary ? { type: "primary" as const } : {})}
        danger={isDanger ?? false}
        onClick={() => setOpen(true)}
      >
        {title}
      </Button>
      <Modal
        open={isOpen}
        title={title}
        destroyOnHidden
        okText={title}
        cancelText={t("取消", "Cancel")}
        okButtonProps={{ htmlType: "submit", form, loading: isSending }}
        onCancel={() => {
          setOpen(false);
          setError(null);
        }}
      >
        {children}
        <form id={form} className="form" onSubmit={(event) => void submit(event)}>
          {fields.map((field) => (
            <FieldInput key={field.name} field={field} />
          ))}
        </form>
        <p role="alert" className="problem">
          {error && explain(error, language)}
        </p>
      </Modal>
    </>
  );
}

export function FieldInput({ field }: { field: Field }): ReactNode {
  const t = useText();
  const id = useId();
  const common = {
    id,
    name: field.name,
    className: "field",
    required: !field.isOptional,
    defaultValue: field.initial ?? "",
    ...(field.hint === undefined ? {} : { "aria-describedby": `${id}-hint` }),
  };
  return (
    <div className="form-item">
      <label htmlFor={id}>
        {t(field.zh, field.en)}
        {field.isOptional && <span className="quiet"> {t("（可不填）", "(optional)")}</span>}
      </label>
      {field.options ? (
        <select {...common}>
          {field.options.map((each) => (
            <option key={each.value} value={each.value}>
              {t(each.zh, each.en)}
            </option>
          ))}
        </select>
      ) : field.type === "area" ? (
        <textarea {...common} rows={4} />
      ) : (
        <input
          {...common}
          autoComplete="off"
          inputMode={field.type === "money" ? "decimal" : undefined}
          type={
            field.type === "day" ? "date" : field.type === "instant" ? "datetime-local" : field.type === "password" ? "password" : "text"
          }
        />
      )}
      {field.hint !== undefined && (
        <small id={`${id}-hint`} className="quiet">
          {field.hint}
        </small>
      )}
    </div>
  );
}

export const REASON: Field = { name: "reason", zh: "理由", en: "Reason" };
