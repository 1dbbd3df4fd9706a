import type { EChartsCoreOption } from "echarts/core";
import type { ReactNode } from "react";
import { useEffect, useRef } from "react";
import { usePreferences } from "@/app/text";

/** A chart that is fetched when it is first needed; `label` says in words what it shows. */
export function Chart({
  label,
  options,
  className = "chart",
}: {
  label: string;
  options: (ink: string) => EChartsCoreOption;
  className?: string;
}): ReactNode {
  const box = useRef<HTMLDivElement>(null);
  const { theme } = usePreferences();
  const written = JSON.stringify(options(theme === "dark" ? "#e8eaee" : "#1d2433"));
  useEffect(() => {
    let isGone = false;
    let dispose = (): void => undefined;
    void import("@/app/charts").then(({ draw }) => {
      if (isGone || box.current === null) return;
      dispose = draw(box.current, JSON.parse(written) as EChartsCoreOption);
    });
    return () => {
      isGone = true;
      dispose();
    };
  }, [written]);
  return <div ref={box} className={className} role="img" aria-label={label} />;
}
