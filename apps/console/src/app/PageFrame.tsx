import type { ReactNode } from "react";
import { useEffect } from "react";
import { useText } from "@/app/text";

/** A page with its heading, what it is for, and its acts. */
export function PageFrame({
  zh,
  en,
  lead,
  acts,
  children,
}: {
  zh: string;
  en: string;
  lead?: ReactNode;
  acts?: ReactNode;
  children: ReactNode;
}): ReactNode {
  const t = useText();
  const title = t(zh, en);
  useEffect(() => {
    document.title = `${title} · ${t("汇通控制台", "Huitong console")}`;
  }, [title, t]);
  return (
    <article className="page">
      <header className="page-head">
        <div>
          <h1>{title}</h1>
          {lead !== undefined && <div className="quiet">{lead}</div>}
        </div>
        {acts !== undefined && <div className="acts">{acts}</div>}
      </header>
      {children}
    </article>
  );
}

/** A part of a page under a heading of its own. */
export function Part({
  zh,
  en,
  acts,
  children,
}: {
  zh: string;
  en: string;
  acts?: ReactNode;
  children: ReactNode;
}): ReactNode {
  const t = useText();
  return (
    <section className="part">
      <header className="part-head">
        <h2>{t(zh, en)}</h2>
        {acts !== undefined && <div className="acts">{acts}</div>}
      </header>
      {children}
    </section>
  );
}

/** Pairs of a name and what it is. */
export function Facts({ of }: { of: readonly (readonly [string, ReactNode])[] }): ReactNode {
  return (
    <dl className="facts">
      {of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value ?? "–"}</dd>
        </div>
      ))}
    </dl>
  );
}
