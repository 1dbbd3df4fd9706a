import { ApiError, dayOf, showDay, showTime, unwrap } from "@huitong/kit";
import { useState } from "react";
import { Link } from "react-router";
import { api } from "@/app/api";
import { Icon } from "@/app/icons";
import { describe, Effect, type Line } from "@/app/lines";
import { useLoaded } from "@/app/loaded";
import { usePrefs, useText } from "@/app/prefs";
import { useCustomer } from "@/app/session";
import { COMMON } from "@/app/texts";
import { Action, Card, Empty, Failure, Field, Page, Row, Rows, Waiting } from "@/app/ui";
import { Download } from "./Download";
import { TEXTS } from "./texts";

const PAGE = 30;
const DAYS_BACK = 90;
const DAY_MS = 86_400_000;

interface Loaded {
  lines: readonly Line[];
  next: string | null;
}

function useBills(from: string, to: string) {
  const { account } = useCustomer();
  const [more, setMore] = useState<Loaded & { of: string }>({ of: "", lines: [], next: null });
  const [error, setError] = useState<ApiError | null>(null);
  const name = `bills ${account} ${from} ${to}`;
  const ask = (cursor: string | null) =>
    unwrap(
      api.GET("/v1/accounts/{account}/statement", {
        params: { path: { account }, query: { from, to, cursor, limit: PAGE } },
      }),
    );
  const first = useLoaded(name, () => ask(null));
  const hasMore = more.of === name;
  const next = hasMore ? more.next : (first.data?.next_cursor ?? null);
  const lines = [...(first.data?.data ?? []), ...(hasMore ? more.lines : [])];

  async function loadMore() {
    setError(null);
    try {
      const page = await ask(next);
      const before = hasMore ? more.lines : [];
      setMore({ of: name, lines: [...before, ...page.data], next: page.next_cursor });
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setError(caught);
    }
  }
  return { first, lines, next, error, loadMore };
}

/** What came in and went out, newest first. */
export default function Bills() {
  const t = useText(TEXTS);
  const c = useText(COMMON);
  const { language, isElder } = usePrefs();
  const { account } = useCustomer();
  const [to, setTo] = useState(() => dayOf(new Date()));
  const [from, setFrom] = useState(() => dayOf(new Date(Date.now() - DAYS_BACK * DAY_MS)));
  const [text, setText] = useState("");
  const { first, lines, next, error, loadMore } = useBills(from, to);
  const wanted = text.trim().toLowerCase();
  const found = lines.filter((line) =>
    [line.description, line.description_zh, line.amount.amount, line.other_account, line.transfer]
      .join(" ")
      .toLowerCase()
      .includes(wanted),
  );
  const days = [...new Set(found.map((line) => line.effective_on))];
  const query = `from=${from}&to=${to}`;
  return (
    <Page
      title={t("title")}
      {...(isElder ? { back: "/" } : {})}
      aside={
        <Link to="/charts" aria-label={t("charts")}>
          <Icon name="chart" />
        </Link>
      }
    >
      {!isElder && (
        <Card>
          <Field
            label={t("search")}
            type="search"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
          <div className="pair">
            <Field
              label={t("from")}
              type="date"
              value={from}
              max={to}
              onChange={(event) => event.target.value !== "" && setFrom(event.target.value)}
            />
            <Field
              label={t("to")}
              type="date"
              value={to}
              min={from}
              onChange={(event) => event.target.value !== "" && setTo(event.target.value)}
            />
          </div>
        </Card>
      )}
      {first.error !== null && <Failure error={first.error} onRetry={first.reload} />}
      {first.isLoading && <Waiting lines={6} />}
      {!first.isLoading && first.error === null && found.length === 0 && (
        <Card>
          <Empty icon="list">{wanted === "" ? t("none") : t("no_match", { text })}</Empty>
        </Card>
      )}
      {days.map((day) => (
        <Card key={day} title={showDay(day, language)}>
          <Rows>
            {found
              .filter((line) => line.effective_on === day)
              .map((line) => (
                <Row
                  key={line.line}
                  icon={line.side === "credit" ? "receive" : "send"}
                  title={describe(line, language)}
                  note={showTime(line.recorded_at)}
                  value={<Effect line={line} />}
                  to={`/bills/${line.transfer}`}
                />
              ))}
          </Rows>
        </Card>
      ))}
      {error !== null && <Failure error={error} onRetry={() => void loadMore()} />}
      {next !== null && (
        <Action kind="plain" onClick={() => void loadMore()}>
          {c("more")}
        </Action>
      )}
      {lines.length > 0 && (
        <Download
          address={`/v1/accounts/${account}/statement-file?${query}&format=pdf`}
          name={`huitong-${from}-${to}.pdf`}
        >
          {t("download")}
        </Download>
      )}
    </Page>
  );
}
