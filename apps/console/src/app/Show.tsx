import { type Money, showInstant, showMoney } from "@huitong/kit";
import { Alert, Button, Empty, Skeleton, Typography } from "antd";
import type { ReactNode } from "react";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ApiError } from "@huitong/kit";
import { Link } from "react-router";
import { explain } from "@/app/api";
import { wordOf } from "@/app/words";
import { usePreferences, useText } from "@/app/text";

export function Amount({ of }: { of: Money | null | undefined }): ReactNode {
  return of ? <span className="money">{showMoney(of)}</span> : "–";
}

export function Instant({ at }: { at: string | null | undefined }): ReactNode {
  const { language } = usePreferences();
  return at ? <time dateTime={at}>{showInstant(at, language)}</time> : "–";
}

/** An id, short enough to read, whole to copy; a link if there is a page for it. */
export function Id({ id, to }: { id: string | null | undefined; to?: string }): ReactNode {
  if (!id) return "–";
  const [prefix = "", rest = ""] = id.split("_");
  const short = rest.length > 12 ? `${prefix}_…${rest.slice(-8)}` : id;
  const text = <span title={id}>{short}</span>;
  if (to !== undefined) return <Link to={to} className="mono">{text}</Link>;
  return <span className="mono">{text}</span>;
}

type Tone = "good" | "bad" | "wait" | "plain";

const TONES: Record<string, Tone> = {
  succeeded: "good", paid: "good", approved: "good", live: "good", active: "good",
  allow: "good", cured: "good", matched: "good", lent: "good", done: "good",
  failed: "bad", block: "bad", blocked: "bad", rejected: "bad", fraud: "bad",
  critical: "bad", written_off: "bad", refused: "bad", suspended: "bad",
  held: "wait", pending: "wait", review: "wait", delay: "wait", open: "wait",
  step_up: "wait", warning: "wait", offered: "wait", shadow: "wait",
};

/** A word in a box of a colour that can be read in light and dark. */
export function Pill({ tone, children }: { tone: Tone; children: ReactNode }): ReactNode {
  return <span className={`pill ${tone}`}>{children}</span>;
}

/** The state of something, in words and a colour. */
export function State({ of }: { of: string | null | undefined }): ReactNode {
  const { language } = usePreferences();
  if (!of) return "–";
  return <Pill tone={TONES[of] ?? "plain"}>{wordOf(of, language)}</Pill>;
}

/** A failure in a sentence, and the way on. */
export function Failed({ error, retry }: { error: ApiError; retry?: () => void }): ReactNode {
  const { language } = usePreferences();
  const t = useText();
  return (
    <Alert
      type="error"
      showIcon
      message={explain(error, language)}
      {...(error.problem?.request_id === undefined
        ? {}
        : { description: <Typography.Text className="mono">{error.problem.request_id}</Typography.Text> })}
      action={
        retry && (
          <Button size="small" onClick={retry}>
            {t("重试", "Try again")}
          </Button>
        )
      }
    />
  );
}

/** What was loaded, or a skeleton, or why not. */
export function Loaded<T>({
  query,
  children,
}: {
  query: UseQueryResult<T, ApiError>;
  children: (data: T) => ReactNode;
}): ReactNode {
  if (query.data !== undefined) return children(query.data);
  if (query.error) return <Failed error={query.error} retry={() => void query.refetch()} />;
  return <Skeleton active title={false} paragraph={{ rows: 4 }} />;
}

export function Nothing({ children }: { children: string }): ReactNode {
  return <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={children} />;
}
