import { MenuOutlined } from "@ant-design/icons";
import { useQueryClient } from "@tanstack/react-query";
import { Button, Input, Skeleton } from "antd";
import type { ReactNode } from "react";
import { Suspense, useRef, useState } from "react";
import { Link, NavLink, Outlet, useNavigate } from "react-router";
import { api } from "@/app/api";
import { MENU } from "@/app/menu";
import { findPage } from "@/app/search";
import { usePermits, useSession } from "@/app/session";
import { usePreferences, useText } from "@/app/text";
import { wordOf } from "@/app/words";

/** The frame of every page: who is signed in, where one may go, the search. */
export function Shell(): ReactNode {
  const { session, end } = useSession();
  const t = useText();
  const { language, theme, setLanguage, setTheme } = usePreferences();
  const [isOpen, setOpen] = useState(false);
  const main = useRef<HTMLElement>(null);
  const queries = useQueryClient();
  const signOut = async (): Promise<void> => {
    await api.POST("/v1/staff/sign-out", {}).catch(() => undefined);
    queries.clear();
    end();
  };
  return (
    <div className="shell">
      <a className="skip" href="#main" onClick={() => main.current?.focus()}>
        {t("跳到正文", "Skip to the page")}
      </a>
      <header className="bar">
        <Button
          className="menu-button"
          icon={<MenuOutlined aria-hidden />}
          aria-label={t("菜单", "Menu")}
          aria-expanded={isOpen}
          onClick={() => setOpen(!isOpen)}
        />
        <Link to="/" className="brand">
          汇通<small>{t("控制台", "Console")}</small>
        </Link>
        <Search />
        <span className="grow" />
        <span className="quiet who">{session.roles.map((role) => wordOf(role, language)).join(" · ")}</span>
        <Button type="text" onClick={() => setLanguage(language === "zh" ? "en" : "zh")}>
          {language === "zh" ? "English" : "中文"}
        </Button>
        <Button type="text" onClick={() => setTheme(theme === "light" ? "dark" : "light")}>
          {theme === "light" ? t("深色", "Dark") : t("浅色", "Light")}
        </Button>
        <Button onClick={() => void signOut()}>{t("退出", "Sign out")}</Button>
      </header>
      <Navigation isOpen={isOpen} onGo={() => setOpen(false)} />
      <main id="main" ref={main} tabIndex={-1}>
        <Suspense fallback={<Skeleton active />}>
          <Outlet />
        </Suspense>
      </main>
    </div>
  );
}

function Navigation({ isOpen, onGo }: { isOpen: boolean; onGo: () => void }): ReactNode {
  const t = useText();
  const permits = usePermits();
  return (
    <nav className="nav" data-open={isOpen} aria-label={t("主菜单", "Main menu")}>
      {MENU.map((group) => {
        const items = group.items.filter((item) => item.any?.some(permits) ?? true);
        if (items.length === 0) return null;
        return (
          <section key={group.en}>
            <h2>{t(group.zh, group.en)}</h2>
            <ul>
              {items.map((item) => (
                <li key={item.path}>
                  <NavLink to={item.path} end={item.path === "/"} onClick={onGo}>
                    {t(item.zh, item.en)}
                  </NavLink>
                </li>
              ))}
            </ul>
          </section>
        );
      })}
    </nav>
  );
}

function Search(): ReactNode {
  const t = useText();
  const go = useNavigate();
  const [isUnknown, setUnknown] = useState(false);
  return (
    <form
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        const text = new FormData(event.currentTarget).get("id");
        const page = findPage(typeof text === "string" ? text.trim() : "");
        setUnknown(page === null);
        if (page !== null) void go(page);
      }}
    >
      <Input
        name="id"
        allowClear
        {...(isUnknown ? { status: "error" as const } : {})}
        aria-label={t("按编号查找", "Find by id")}
        aria-invalid={isUnknown}
        placeholder={t("编号：pay_ cus_ acct_ cas_ …", "An id: pay_ cus_ acct_ cas_ …")}
      />
    </form>
  );
}
