import type { ReactNode } from "react";
import { ActButton } from "@/app/ActButton";
import { api, type Schema } from "@/app/api";
import { type Column, DataTable } from "@/app/DataTable";
import { PageFrame, Part } from "@/app/PageFrame";
import { usePermits } from "@/app/session";
import { Id, Instant } from "@/app/Show";
import { useText } from "@/app/text";

type Job = Schema["FailedJobView"];
type Parked = Schema["ParkedEventView"];

function RetryJob({ job }: { job: string }): ReactNode {
  const t = useText();
  const permits = usePermits();
  if (!permits("work:retry")) return null;
  return (
    <ActButton
      zh="重试"
      en="Try again"
      send={(_, key) =>
        api.POST("/v1/operations/failed-jobs/{job}/retry", {
          params: { path: { job }, header: { "Idempotency-Key": key } },
          body: {},
        })
      }
      done={t("任务会重新执行。", "The job runs again.")}
    />
  );
}

function RetryEvent({ event }: { event: string }): ReactNode {
  const t = useText();
  const permits = usePermits();
  if (!permits("work:retry")) return null;
  return (
    <ActButton
      zh="重试"
      en="Try again"
      send={(_, key) =>
        api.POST("/v1/operations/parked-events/{event}/retry", {
          params: { path: { event }, header: { "Idempotency-Key": key } },
          body: {},
        })
      }
      done={t("事件会重新投递。", "The event is told again.")}
    />
  );
}

const JOBS: readonly Column<Job>[] = [
  { key: "id", zh: "任务", en: "Job", value: (row) => row.id },
  { key: "name", zh: "名称", en: "Name", value: (row) => row.name, render: (row) => <span className="mono">{row.name}</span> },
  { key: "attempts", zh: "次数", en: "Attempts", value: (row) => row.attempts },
  { key: "failed_at", zh: "失败于", en: "Failed", value: (row) => row.failed_at, render: (row) => <Instant at={row.failed_at} /> },
  { key: "error", zh: "错误", en: "Error", value: (row) => row.error },
  { key: "acts", zh: "操作", en: "Acts", value: () => null, render: (row) => <RetryJob job={row.id} /> },
];
const EVENTS: readonly Column<Parked>[] = [
  { key: "id", zh: "事件", en: "Event", value: (row) => row.id, render: (row) => <Id id={row.id} /> },
  { key: "topic", zh: "主题", en: "Topic", value: (row) => row.topic, render: (row) => <span className="mono">{row.topic}</span> },
  { key: "attempts", zh: "次数", en: "Attempts", value: (row) => row.attempts },
  { key: "parked_at", zh: "搁置于", en: "Parked", value: (row) => row.parked_at, render: (row) => <Instant at={row.parked_at} /> },
  { key: "last_error", zh: "错误", en: "Error", value: (row) => row.last_error },
  { key: "acts", zh: "操作", en: "Acts", value: () => null, render: (row) => <RetryEvent event={row.id} /> },
];

export function Page(): ReactNode {
  const t = useText();
  return (
    <PageFrame zh="失败的任务" en="Failed work" lead={t("多次重试仍失败、等待人工处理的后台工作。", "Work that was tried several times and given up, until somebody looks.")}>
      <Part zh="任务" en="Jobs">
        <DataTable
          name="failed-jobs"
          columns={JOBS}
          rowKey={(row) => row.id}
          seconds={15}
          empty={t("没有失败的任务", "No job has failed")}
          load={(query) => api.GET("/v1/operations/failed-jobs", { params: { query } })}
        />
      </Part>
      <Part zh="搁置的事件" en="Parked events">
        <DataTable
          name="parked-events"
          columns={EVENTS}
          rowKey={(row) => row.id}
          seconds={15}
          empty={t("没有搁置的事件", "No event is parked")}
          load={(query) => api.GET("/v1/operations/parked-events", { params: { query } })}
        />
      </Part>
    </PageFrame>
  );
}
