import type { ReactNode } from "react";
import { lazy, Suspense, useState } from "react";
import { useParams } from "react-router";
import { Skeleton } from "antd";
import { ActButton, REASON } from "@/app/ActButton";
import { api, type Schema } from "@/app/api";
import { Facts, PageFrame, Part } from "@/app/PageFrame";
import { usePermits } from "@/app/session";
import { Id, Instant, Loaded, State } from "@/app/Show";
import { useText } from "@/app/text";
import { useLoad } from "@/app/useLoad";
import { type Content, type EditorTable, fromEditor, type TableSchema, toEditor } from "./content";

const Editor = lazy(() => import("./Editor"));

type Version = Schema["TableVersionView"];

export function Page(): ReactNode {
  const { version = "" } = useParams();
  const found = useLoad(["table-version", version], () =>
    api.GET("/v1/risk/table-versions/{table_version}", { params: { path: { table_version: version } } }),
  );
  const tables = useLoad(["tables"], () => api.GET("/v1/risk/tables"));
  return (
    <Loaded query={tables}>
      {({ data }) => (
        <Loaded query={found}>
          {(table) => {
            const schema = (data as unknown as TableSchema[]).find((each) => each.name === table.name);
            return schema && <Whole key={table.id} version={table} schema={schema} />;
          }}
        </Loaded>
      )}
    </Loaded>
  );
}

function Whole({ version, schema }: { version: Version; schema: TableSchema }): ReactNode {
  const t = useText();
  const permits = usePermits();
  const content = version.table as unknown as Content;
  const [table, setTable] = useState<EditorTable>(() => toEditor(content, schema));
  const canWrite = permits("tables:write");
  return (
    <PageFrame
      zh="决策表"
      en="Decision table"
      lead={
        <>
          {schema.meaning} <span className="mono">{version.id}</span>
        </>
      }
      acts={
        canWrite && (
          <>
            <Save table={table} content={content} schema={schema} />
            <Acts version={version} />
          </>
        )
      }
    >
      <Part zh="概况" en="At a glance">
        <Facts
          of={[
            [t("状态", "State"), <State key="s" of={version.state} />],
            [t("序号", "Number"), version.number],
            [t("命中方式", "Hit policy"), content.hit_policy],
            [t("生效自", "From"), <Instant key="f" at={version.effective_from} />],
            [t("每行可达已证明", "Every row is reached"), version.is_reach_checked ? t("是", "Proved") : t("否", "Not proved")],
            [t("未通过的用例", "Failed cases"), version.failed_tests?.map((each) => each.name).join(", ") ?? "–"],
            [t("作者", "By"), <Id key="b" id={version.created_by} />],
          ]}
        />
      </Part>
      <Part zh="表" en="Table">
        <p className="quiet">
          {t("条件如", "Conditions such as")} <code className="mono">&gt; 5, [1..5), &quot;a&quot;, &quot;b&quot;</code>
          {t("；结果按 JSON 书写，小数加引号。", "; answers as JSON writes them, decimals in quotes.")}
        </p>
        <Suspense fallback={<Skeleton active />}>
          <Editor value={table} isReadOnly={!canWrite} onChange={setTable} />
        </Suspense>
      </Part>
      <Try version={version} schema={schema} />
    </PageFrame>
  );
}

function Save({ table, content, schema }: { table: EditorTable; content: Content; schema: TableSchema }): ReactNode {
  const t = useText();
  return (
    <ActButton
      zh="保存为新版本"
      en="Save as a new version"
      isPrimary
      send={(_, key) =>
        api.POST("/v1/risk/tables/{table}/versions", {
          params: { path: { table: schema.name }, header: { "Idempotency-Key": key } },
          body: fromEditor(table, content, schema),
        })
      }
      done={({ number }) => t(`已存为第 ${number} 版草稿。`, `Saved as draft ${number}.`)}
    />
  );
}

function Acts({ version }: { version: Version }): ReactNode {
  const t = useText();
  if (version.state === "retired") return null;
  const path = { table_version: version.id };
  const asked = t("已提交，等待另一位同事批准。", "Asked for: a colleague decides.");
  return (
    <>
      {version.state === "draft" && (
        <ActButton
          zh="申请生效"
          en="Ask to set live"
          fields={[{ name: "from", zh: "生效日", en: "From the day", type: "day" }, REASON]}
          send={({ from = "", reason = "" }, key) =>
            api.POST("/v1/risk/table-versions/{table_version}/live", {
              params: { path, header: { "Idempotency-Key": key } },
              body: { digest: version.digest, effective_from: from, reason },
            })
          }
          done={asked}
        />
      )}
      <ActButton
        zh="停用"
        en="Retire"
        isDanger
        fields={[REASON]}
        send={({ reason = "" }, key) =>
          api.POST("/v1/risk/table-versions/{table_version}/retire", {
            params: { path, header: { "Idempotency-Key": key } },
            body: { reason },
          })
        }
        done={asked}
      />
    </>
  );
}

function Try({ version, schema }: { version: Version; schema: TableSchema }): ReactNode {
  const t = useText();
  const [answer, setAnswer] = useState<Schema["TriedView"] | null>(null);
  return (
    <Part
      zh="试算"
      en="Try it"
      acts={
        <ActButton
          zh="试算"
          en="Try it"
          fields={schema.inputs.map(({ name, meaning }) => ({ name, zh: name, en: name, hint: meaning, isOptional: true }))}
          send={(values) =>
            api.POST("/v1/risk/table-versions/{table_version}/try", {
              params: { path: { table_version: version.id } },
              body: {
                inputs: Object.fromEntries(
                  schema.inputs.map(({ name, type }) => [name, readInput(values[name], type)]),
                ),
              },
            })
          }
          done={t("已试算，没有任何影响。", "Tried, without any effect.")}
          after={setAnswer}
        />
      }
    >
      {answer && (
        <pre className="json mono">
          {answer.rows.join(", ") || t("没有命中", "no row")}
          {"\n"}
          {JSON.stringify(answer.outputs, null, 2)}
        </pre>
      )}
    </Part>
  );
}

function readInput(text: string | undefined, type: string): unknown {
  if (text === undefined) return null;
  if (type === "integer") return Number(text);
  if (type === "boolean" || type === "flag") return text === "true";
  return text;
}
