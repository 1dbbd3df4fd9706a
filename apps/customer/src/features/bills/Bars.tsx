import { fromMinor } from "@huitong/kit";
import { BarChart } from "echarts/charts";
import { GridComponent, LegendComponent } from "echarts/components";
import { init, use as register } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { useEffect, useRef } from "react";
import { usePrefs } from "@/app/prefs";
import type { Month } from "./months";

register([BarChart, GridComponent, LegendComponent, CanvasRenderer]);

/** The bars of the months; the table beside them has the numbers. */
export default function Bars({ months, moneyIn, moneyOut }: {
  months: readonly Month[];
  moneyIn: string;
  moneyOut: string;
}) {
  const place = useRef<HTMLDivElement>(null);
  const { theme, isElder } = usePrefs();
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const styles = getComputedStyle(document.documentElement);
    const ink = styles.getPropertyValue("--muted").trim();
    const fontSize = isElder ? 16 : 12;
    const chart = init(element, null, { renderer: "canvas" });
    chart.setOption({
      animation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
      color: [styles.getPropertyValue("--good").trim(), styles.getPropertyValue("--brand").trim()],
      grid: { left: 8, right: 8, top: 40, bottom: 4, containLabel: true },
      legend: { top: 0, textStyle: { color: ink, fontSize } },
      xAxis: {
        type: "category",
        data: months.map(({ month }) => month.slice(5)),
        axisLabel: { color: ink, fontSize },
        axisTick: { show: false },
      },
      yAxis: {
        type: "value",
        splitNumber: 4,
        axisLabel: { color: ink, fontSize },
        splitLine: { lineStyle: { color: styles.getPropertyValue("--line").trim() } },
      },
      series: [
        // A picture needs no cents: what is drawn is never computed with.
        { name: moneyIn, type: "bar", data: months.map((each) => fromMinor(each.moneyIn).amount) },
        { name: moneyOut, type: "bar", data: months.map((each) => fromMinor(each.moneyOut).amount) },
      ].map((series) => ({ ...series, barMaxWidth: 22, itemStyle: { borderRadius: [6, 6, 0, 0] } })),
    });
    const resize = () => chart.resize();
    window.addEventListener("resize", resize);
    return () => {
      window.removeEventListener("resize", resize);
      chart.dispose();
    };
  }, [months, moneyIn, moneyOut, theme, isElder]);
  return <div ref={place} className="chart" aria-hidden="true" />;
}
