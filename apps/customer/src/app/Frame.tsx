import { Component, type ReactNode, useSyncExternalStore } from "react";
import { NavLink } from "react-router";
import { Icon, type IconName } from "./icons";
import { usePrefs, useText } from "./prefs";
import { COMMON, type CommonKey } from "./texts";

const PLACES: readonly { to: string; text: CommonKey; icon: IconName }[] = [
  { to: "/", text: "home", icon: "home" },
  { to: "/bills", text: "bills", icon: "list" },
  { to: "/loans", text: "loans", icon: "loan" },
  { to: "/mine", text: "mine", icon: "person" },
];

function watchNetwork(changed: () => void): () => void {
  window.addEventListener("online", changed);
  window.addEventListener("offline", changed);
  return () => {
    window.removeEventListener("online", changed);
    window.removeEventListener("offline", changed);
  };
}

/** Says that there is no network, for as long as there is none. */
export function OfflineNotice() {
  const t = useText(COMMON);
  const isOnline = useSyncExternalStore(watchNetwork, () => navigator.onLine);
  return (
    <div role="status" aria-live="polite">
      {!isOnline && <p className="offline">{t("offline")}</p>}
    </div>
  );
}

/** What surrounds every page of somebody who is logged in. */
export function Frame({ children }: { children: ReactNode }) {
  const t = useText(COMMON);
  const { isElder } = usePrefs();
  return (
    <div className="frame">
      <a className="skip" href="#content">
        {t("skip")}
      </a>
      <OfflineNotice />
      {children}
      {!isElder && (
        <nav className="tabs" aria-label={t("nav")}>
          {PLACES.map(({ to, text, icon }) => (
            <NavLink key={to} to={to} end={to === "/"}>
              <Icon name={icon} />
              <span>{t(text)}</span>
            </NavLink>
          ))}
        </nav>
      )}
    </div>
  );
}

function Crashed() {
  const t = useText(COMMON);
  return (
    <main className="page page-middle" id="content">
      <p role="alert">{t("crashed")}</p>
      <button type="button" className="action action-main" onClick={() => location.reload()}>
        {t("reload")}
      </button>
    </main>
  );
}

/** Catches what a page throws, so that there is always a way on. */
export class Safety extends Component<{ children: ReactNode }, { hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError() {
    return { hasFailed: true };
  }

  override render() {
    return this.state.hasFailed ? <Crashed /> : this.props.children;
  }
}
