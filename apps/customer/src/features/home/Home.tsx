import { Act, fromMinor, showInstant, showMoney, toMinor, unwrap } from "@huitong/kit";
import { useState } from "react";
import { Link } from "react-router";
import { api } from "@/app/api";
import { Icon, type IconName } from "@/app/icons";
import { describe, Effect } from "@/app/lines";
import { useLoaded } from "@/app/loaded";
import { usePrefs, useText } from "@/app/prefs";
import { useCustomer } from "@/app/session";
import { Card, Empty, Failure, Page, Row, Rows, Waiting } from "@/app/ui";
import { TEXTS } from "./texts";

type Key = keyof typeof TEXTS;

const ACTS: readonly { to: string; text: Key; icon: IconName }[] = [
  { to: "/scan", text: "scan", icon: "scan" },
  { to: "/pay", text: "pay", icon: "send" },
  { to: "/receive", text: "code", icon: "qr" },
  { to: "/split", text: "split", icon: "split" },
];
/** Four choices, all in plain words; the rest is behind the last one. */
const ELDER_ACTS: readonly { to: string; text: Key; icon: IconName }[] = [
  { to: "/pay", text: "pay", icon: "send" },
  { to: "/receive", text: "receive", icon: "receive" },
  { to: "/bills", text: "bills", icon: "list" },
  { to: "/mine", text: "more", icon: "gear" },
];
const LATEST = 5;

function Balance() {
  const t = useText(TEXTS);
  const { account } = useCustomer();
  const [isHidden, setHidden] = useState(false);
  const path = { account };
  const { data, error, reload } = useLoaded(`account ${account}`, () =>
    unwrap(api.GET("/v1/accounts/{account}", { params: { path } })),
  );
  if (error !== null && data === null) return <Failure error={error} onRetry={reload} />;
  const held = data === null ? 0n : toMinor(data.balance) - toMinor(data.available);
  return (
    <section className="card hero" aria-label={t("available")}>
      <div className="hero-label">
        <span>{t("available")}</span>
        <button type="button" aria-pressed={isHidden} onClick={() => setHidden(!isHidden)}>
          {t(isHidden ? "show" : "hide")}
        </button>
      </div>
      <p className="hero-sum" data-testid="balance">
        {data === null ? "¥ —" : isHidden ? "¥ ••••" : showMoney(data.available)}
      </p>
      <p className="hero-note">
        {held > 0n && !isHidden
          ? t("held", { sum: showMoney(fromMinor(held)) })
          : t("in_order", { account: `•••• ${account.slice(-4)}` })}
      </p>
    </section>
  );
}

function Latest() {
  const t = useText(TEXTS);
  const { language } = usePrefs();
  const { account } = useCustomer();
  const params = { path: { account }, query: { limit: LATEST } };
  const { data, error, isLoading, reload } = useLoaded(`latest ${account}`, () =>
    unwrap(api.GET("/v1/accounts/{account}/statement", { params })),
  );
  return (
    <Card title={t("latest")}>
      {error !== null && <Failure error={error} onRetry={reload} />}
      {isLoading && data === null && <Waiting lines={4} />}
      {data?.data.length === 0 && <Empty icon="list">{t("none")}</Empty>}
      {data !== null && data.data.length > 0 && (
        <>
          <Rows>
            {data.data.map((line) => (
              <Row
                key={line.line}
                icon={line.side === "credit" ? "receive" : "send"}
                title={describe(line, language)}
                note={showInstant(line.recorded_at, language)}
                value={<Effect line={line} />}
                to={`/bills/${line.transfer}`}
              />
            ))}
          </Rows>
          <Link className="action action-plain" to="/bills">
            {t("all")}
          </Link>
        </>
      )}
    </Card>
  );
}

/** The first page: what is there, and what can be done at once. */
export function Home() {
  const t = useText(TEXTS);
  const { isElder } = usePrefs();
  const customer = useCustomer();
  const [isPending] = useState(() => new Act("pay").isPending);
  return (
    <Page
      title={customer.name === null ? t("home") : t("hello", { name: customer.name })}
      aside={
        !isElder && (
          <>
            <Link to="/messages" aria-label={t("messages")}>
              <Icon name="bell" />
            </Link>
            <Link to="/settings" aria-label={t("settings")}>
              <Icon name="gear" />
            </Link>
          </>
        )
      }
    >
      {isPending && (
        <div role="status" className="notice notice-warn">
          <Icon name="clock" />
          <div>
            <p>{t("pending")}</p>
            <Link className="action action-plain" to="/pay">
              {t("ask")}
            </Link>
          </div>
        </div>
      )}
      <Balance />
      <nav className="card acts" aria-label={t("acts")}>
        {(isElder ? ELDER_ACTS : ACTS).map(({ to, text, icon }) => (
          <Link key={to} to={to}>
            <span className="acts-icon">
              <Icon name={icon} />
            </span>
            {t(text)}
          </Link>
        ))}
      </nav>
      {!isElder && <Latest />}
    </Page>
  );
}
