import { type ApiError, readMoney, MoneyError, type Money } from "@huitong/kit";
import { type ComponentProps, type ReactNode, useEffect, useId } from "react";
import { Link, useNavigate } from "react-router";
import { Icon, type IconName } from "./icons";
import { usePrefs, useText } from "./prefs";
import { explain } from "./refusals";
import { useSession } from "./session";
import { COMMON } from "./texts";

interface PageProps {
  title: string;
  children: ReactNode;
  /** Where the arrow leads if there is nothing to go back to; none on the main pages. */
  back?: string;
  aside?: ReactNode;
}

/** A page: its bar with the title, and its content. */
export function Page({ title, children, back, aside }: PageProps) {
  const t = useText(COMMON);
  const navigate = useNavigate();
  useEffect(() => {
    document.title = `${title} · ${t("brand")}`;
  }, [title, t]);
  return (
    <>
      <header className="bar">
        {back !== undefined && (
          <button
            type="button"
            className="bar-back"
            aria-label={t("back")}
            onClick={() => void (window.history.length > 1 ? navigate(-1) : navigate(back))}
          >
            <Icon name="back" />
          </button>
        )}
        <h1>{title}</h1>
        <div className="bar-aside">{aside}</div>
      </header>
      <main id="content" tabIndex={-1} className="page">
        {children}
      </main>
    </>
  );
}

export function Card({ children, title, className = "" }: {
  children: ReactNode;
  title?: string;
  className?: string;
}) {
  const id = useId();
  return (
    <section className={`card ${className}`} aria-labelledby={title === undefined ? undefined : id}>
      {title !== undefined && <h2 id={id}>{title}</h2>}
      {children}
    </section>
  );
}

export function Rows({ children }: { children: ReactNode }) {
  return <ul className="rows">{children}</ul>;
}

interface RowProps {
  title: ReactNode;
  note?: ReactNode;
  value?: ReactNode;
  icon?: IconName;
  to?: string;
  onClick?: () => void;
}

/** A line of a list; one that leads somewhere is a link, one that does something a button. */
export function Row({ title, note, value, icon, to, onClick }: RowProps) {
  const inside = (
    <>
      {icon !== undefined && (
        <span className="row-icon">
          <Icon name={icon} size={22} />
        </span>
      )}
      <span className="row-text">
        <span className="row-title">{title}</span>
        {note !== undefined && <span className="row-note">{note}</span>}
      </span>
      {value !== undefined && <span className="row-value">{value}</span>}
      {(to !== undefined || onClick !== undefined) && <Icon name="chevron" size={18} />}
    </>
  );
  if (to !== undefined)
    return (
      <li>
        <Link className="row" to={to}>
          {inside}
        </Link>
      </li>
    );
  if (onClick !== undefined)
    return (
      <li>
        <button type="button" className="row" onClick={onClick}>
          {inside}
        </button>
      </li>
    );
  return (
    <li>
      <div className="row">{inside}</div>
    </li>
  );
}

type FieldProps = ComponentProps<"input"> & { label: string; hint?: string; error?: string | null };

/** A labelled input that says what is wrong with it where screen readers find it. */
export function Field({ label, hint, error, ...input }: FieldProps) {
  const id = useId();
  const said = error ?? hint;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        aria-invalid={error !== undefined && error !== null}
        aria-describedby={said === undefined ? undefined : `${id}-said`}
        {...input}
      />
      {said !== undefined && (
        <p id={`${id}-said`} className={error ? "field-error" : "field-hint"}>
          {said}
        </p>
      )}
    </div>
  );
}

/** Returns what is typed as money, or the sentence that says what is wrong with it. */
export function useAmount(typed: string): { money: Money | null; wrong: string | null } {
  const t = useText(COMMON);
  if (typed.trim() === "") return { money: null, wrong: null };
  try {
    return { money: readMoney(typed), wrong: null };
  } catch (error) {
    if (!(error instanceof MoneyError)) throw error;
    return { money: null, wrong: t(`amount_${error.reason}`) };
  }
}

interface ActionProps extends Omit<ComponentProps<"button">, "type"> {
  kind?: "main" | "plain" | "danger";
  isBusy?: boolean;
  submits?: boolean;
}

export function Action({ kind = "main", isBusy = false, submits, children, ...rest }: ActionProps) {
  return (
    <button
      {...rest}
      type={submits === true ? "submit" : "button"}
      className={`action action-${kind}`}
      aria-busy={isBusy}
      disabled={rest.disabled === true || isBusy}
    >
      {isBusy && <span className="spinner" aria-hidden="true" />}
      {children}
    </button>
  );
}

/** Says what did not work, what that means for the money, and what can be done now. */
export function Failure({ error, money, onRetry, retry }: {
  error: ApiError;
  money?: string;
  onRetry?: () => void;
  retry?: string;
}) {
  const t = useText(COMMON);
  const { language } = usePrefs();
  const session = useSession();
  return (
    <div role="alert" className={`notice notice-${error.outcome === "refused" ? "bad" : "warn"}`}>
      <Icon name="warn" />
      <div>
        <p>{explain(error, language)}</p>
        {money !== undefined && <p className="notice-money">{money}</p>}
        {error.isSessionEnded && session.state.status === "in" ? (
          <Action kind="plain" onClick={session.end}>
            {t("log_in_again")}
          </Action>
        ) : (
          onRetry !== undefined && (
            <Action kind="plain" onClick={onRetry}>
              {retry ?? t("retry")}
            </Action>
          )
        )}
      </div>
    </div>
  );
}

/** The shape of what will be there. */
export function Waiting({ lines = 3 }: { lines?: number }) {
  const t = useText(COMMON);
  return (
    <div className="waiting" role="status" aria-label={t("loading")}>
      {Array.from({ length: lines }, (_, index) => (
        <span key={index} className="waiting-line" />
      ))}
    </div>
  );
}

export function Empty({ icon, children }: { icon: IconName; children: ReactNode }) {
  return (
    <div className="empty">
      <span className="empty-icon">
        <Icon name={icon} size={36} />
      </span>
      <p>{children}</p>
    </div>
  );
}
