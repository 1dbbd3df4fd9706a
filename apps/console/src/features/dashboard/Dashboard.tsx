import { fromMinor, showTime, toMinor } from "@huitong/kit";
import type { ReactNode } from "react";
import { lazy, Suspense } from "react";
import { Link } from "react-router";
import { api, type Schema } from "@/app/api";
import { Chart } from "@/app/Chart";
import { PageFrame, Part } from "@/app/PageFrame";
import { usePermits } from "@/app/session";
import { Amount, Instant, Loaded } from "@/app/Show";
import { usePreferences, useText } from "@/app/text";
import { useLoad } from "@/app/useLoad";
import { wordOf } from "@/app/words";
import { Tile } from "./Tile";

const Liquidity = lazy(() => import("./Liquidity"));
const Portfolio = lazy(() => import("./Portfolio"));
const SECONDS = 5;

export function Page(): ReactNode {
  const t = useText();
  const permits = usePermits();
  return (
    <PageFrame zh="看板" en="Dashboard" lead={t("每 5 秒更新；页面不在前台时暂停。", "Anew every 5 seconds while you look at it.")}>
      {permits("pace:read") && <Pace />}
      {permits("incidents:read") && <Status />}
      <Suspense fallback={null}>
        {permits("ledger:read") && <Liquidity />}
        {permits("loans:read") && <Portfolio />}
      </Suspense>
      <Part zh="等待您处理" en="What waits">
        <Waiting />
      </Part>
    </PageFrame>
  );
}

function Pace(): ReactNode {
  const pace = useLoad(["pace"], () => api.GET("/v1/staff/pace"), { seconds: SECONDS });
  return <Loaded query={pace}>{(data) => <Hour pace={data} />}</Loaded>;
}

function Hour({ pace }: { pace: Schema["PaceView"] }): ReactNode {
  const t = useText();
  const { language } = usePreferences();
  const yuan = pace.minutes.filter((minute) => minute.moved.currency === "CNY");
  const moved = yuan.reduce((sum, minute) => sum + toMinor(minute.moved), 0n);
  const orders = pace.minutes.reduce((sum, minute) => sum + minute.orders, 0);
  const paid = pace.minutes.reduce((sum, minute) => sum + minute.paid, 0);
  const failed = pace.minutes.reduce((sum, minute) => sum + minute.failed, 0);
  const ended = paid + failed;
  const decided = pace.decided.reduce((sum, each) => sum + each.count, 0);
  const stopped = pace.decided.filter((each) => each.action !== "allow").reduce((sum, each) => sum + each.count, 0);
  return (
    <>
      <dl className="grid">
        <Tile name={t("一小时内流转", "Moved in the last hour")}>
          <Amount of={fromMinor(moved)} />
        </Tile>
        <Tile name={t("支付笔数", "Payments")} note={t(`失败 ${failed}`, `${failed} failed`)}>
          {orders}
        </Tile>
        <Tile name={t("成功率", "Success")}>{ended === 0 ? "–" : share(paid, ended)}</Tile>
        <Tile name={t("风险干预", "Stopped by risk")} note={t(`共 ${decided} 次决策`, `of ${decided} decisions`)}>
          {decided === 0 ? "–" : share(stopped, decided)}
        </Tile>
      </dl>
      <div className="two">
        <Part zh="每分钟支付" en="Payments a minute">
          <Chart
            label={t(`最近一小时共 ${orders} 笔支付，其中失败 ${failed} 笔`, `${orders} payments in the last hour, ${failed} of them failed`)}
            options={(ink) => ({
              grid: { left: 40, right: 12, top: 28, bottom: 24 },
              legend: { textStyle: { color: ink }, top: 0 },
              xAxis: { type: "category", data: yuan.map((minute) => showTime(minute.minute)), axisLabel: { color: ink } },
              yAxis: { type: "value", minInterval: 1, axisLabel: { color: ink } },
              series: [
                { type: "bar", stack: "all", barMaxWidth: 22, itemStyle: { color: "#2f7d4f" }, name: t("成功", "Paid"), data: yuan.map((minute) => minute.paid) },
                { type: "bar", stack: "all", itemStyle: { color: "#c2403a" }, name: t("失败", "Failed"), data: yuan.map((minute) => minute.failed) },
                { type: "bar", stack: "all", itemStyle: { color: "#d9962b" }, name: t("暂扣", "Held"), data: yuan.map((minute) => minute.held) },
              ],
            })}
          />
        </Part>
        <Part zh="风险决策" en="Decisions">
          <Chart
            label={pace.decided.map((each) => `${wordOf(each.action, language)} ${each.count}`).join(", ")}
            options={(ink) => ({
              grid: { left: 76, right: 40, top: 8, bottom: 24 },
              xAxis: { type: "value", minInterval: 1, axisLabel: { color: ink } },
              yAxis: { type: "category", data: pace.decided.map((each) => wordOf(each.action, language)), axisLabel: { color: ink } },
              series: [{ type: "bar", barMaxWidth: 18, itemStyle: { color: "#3b7dc4" }, data: pace.decided.map((each) => each.count), label: { show: true, position: "right", color: ink } }],
            })}
          />
        </Part>
      </div>
    </>
  );
}

/** A share in per cent with two places, from counts: no money is divided here. */
function share(part: number, whole: number): string {
  const hundredths = Math.round((part * 10_000) / whole);
  return `${Math.floor(hundredths / 100)}.${String(hundredths % 100).padStart(2, "0")} %`;
}

function Status(): ReactNode {
  const t = useText();
  const status = useLoad(["status"], () => api.GET("/v1/operations/status"), { seconds: SECONDS });
  return (
    <Part zh="平台" en="The platform">
      <Loaded query={status}>
        {(data) => (
          <dl className="grid">
            <Tile name={t("总体", "Overall")} note={<Instant at={data.at} />}>
              {data.is_well ? t("正常", "Well") : <span className="bad">{t("需要处理", "Somebody must look")}</span>}
            </Tile>
            <Tile name={t("慢于 1 秒的应答", "Answers slower than 1 s")} note={t(`共 ${data.requests} 次请求`, `of ${data.requests} requests`)}>
              {data.slow_answers}
            </Tile>
            <Tile name={t("服务端错误", "Errors of ours")}>{data.server_errors}</Tile>
            <Tile name={t("渠道成功", "Channels: done")} note={t(`拒绝 ${data.channel_refused}，未答 ${data.channel_unanswered}`, `${data.channel_refused} refused, ${data.channel_unanswered} unanswered`)}>
              {data.channel_succeeded}
            </Tile>
            <Tile name={t("待办任务", "Jobs due")} note={t(`失败 ${data.jobs_failed}，搁置 ${data.outbox_parked}`, `${data.jobs_failed} failed, ${data.outbox_parked} parked`)}>
              {data.jobs_due}
            </Tile>
            <Tile name={t("未结事件", "Incidents")}>{data.incidents_unresolved}</Tile>
          </dl>
        )}
      </Loaded>
    </Part>
  );
}

function Waiting(): ReactNode {
  const t = useText();
  const permits = usePermits();
  const approvals = useLoad(["waiting"], () => api.GET("/v1/staff/approvals", { params: { query: { pending: true } } }), { seconds: 15 });
  const count = approvals.data?.data.length ?? 0;
  return (
    <ul>
      <li>
        <Link to="/approvals">{t(`${count} 项审批`, `${count} approvals`)}</Link>
      </li>
      {permits("stopped_payments:read") && (
        <li>
          <Link to="/stopped">{t("被暂扣的支付和申诉", "Held payments and appeals")}</Link>
        </li>
      )}
      {permits("cases:read") && (
        <li>
          <Link to="/cases">{t("风险案件", "Cases of risk")}</Link>
        </li>
      )}
    </ul>
  );
}
