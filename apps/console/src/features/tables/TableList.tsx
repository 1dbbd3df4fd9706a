import type { ReactNode } from "react";
import { ActButton } from "@/app/ActButton";
import { api } from "@/app/api";
import { PageFrame, Part } from "@/app/PageFrame";
import { Rows } from "@/app/Rows";
import { usePermits } from "@/app/session";
import { Id, Instant, Loaded, Nothing, State } from "@/app/Show";
import { useText } from "@/app/text";
import { useLoad } from "@/app/useLoad";

interface Schema {
  name: string;
  meaning: string;
}

export function Page(): ReactNode {
  const t = useText();
  const tables = useLoad(["tables"], () => api.GET("/v1/risk/tables"));
  return (
    <PageFrame zh="决策表" en="Decision tables" lead={t("准入与定价：一行一个条件，先试算，再由两人设为生效。", "Eligibility and prices as rows of conditions: tried first, then set live by two.")}>
      <Loaded query={tables}>
        {({ data }) => (data as unknown as Schema[]).map((schema) => <Versions key={schema.name} schema={schema} />)}
      </Loaded>
    </PageFrame>
  );
}

function Versions({ schema }: { schema: Schema }): ReactNode {
  const t = useText();
  const permits = usePermits();
  const path = { table: schema.name };
  const found = useLoad(["table-versions", schema.name], () =>
    api.GET("/v1/risk/tables/{table}/versions", { params: { path } }),
  );
  return (
    <Part
      zh={schema.name}
      en={schema.name}
      acts={
        permits("tables:write") && (
          <ActButton
            zh="保存默认表为新版本"
            en="Save the default as a version"
            send={(_, key) =>
              api.POST("/v1/risk/tables/{table}/defaults", {
                params: { path, header: { "Idempotency-Key": key } },
                body: {},
              })
            }
            done={t("已存为草稿。", "Saved as a draft.")}
          />
        )
      }
    >
      <p className="quiet">{schema.meaning}</p>
      <Loaded query={found}>
        {({ data }) =>
          data.length === 0 ? (
            <Nothing>{t("还没有版本", "No versions yet")}</Nothing>
          ) : (
            <Rows
              rows={data}
              rowKey={(version) => version.id}
              columns={[
                [t("版本", "Version"), (version) => <Id id={version.id} to={`/tables/${version.id}`} />],
                [t("序号", "Number"), (version) => version.number],
                [t("状态", "State"), (version) => <State of={version.state} />],
                [t("生效自", "From"), (version) => <Instant at={version.effective_from} />],
                [t("保存", "Saved"), (version) => <Instant at={version.created_at} />],
              ]}
            />
          )
        }
      </Loaded>
    </Part>
  );
}
