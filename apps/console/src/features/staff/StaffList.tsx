import { Space } from "antd";
import type { ReactNode } from "react";
import { ActButton, type Field, REASON } from "@/app/ActButton";
import { api, type Schema } from "@/app/api";
import { type Column, DataTable } from "@/app/DataTable";
import { PageFrame, Part } from "@/app/PageFrame";
import { Rows } from "@/app/Rows";
import { usePermits, useSession } from "@/app/session";
import { Amount, Id, Instant, Loaded, Pill, State } from "@/app/Show";
import { usePreferences, useText } from "@/app/text";
import { useLoad } from "@/app/useLoad";
import { wordOf } from "@/app/words";

type Member = Schema["huitong__api__schemas__staff__MemberView"];

const ROLES = ["service", "operations", "credit", "risk", "compliance", "product", "auditor", "administrator"];
const ROLE: Field = {
  name: "role",
  zh: "角色",
  en: "Role",
  options: ROLES.map((role) => ({ value: role, zh: wordOf(role, "zh"), en: wordOf(role, "en") })),
};

function RoleTags({ roles }: { roles: readonly string[] }): ReactNode {
  const { language } = usePreferences();
  return roles.map((role) => <Pill key={role} tone="plain">{wordOf(role, language)}</Pill>);
}

function MemberActs({ member }: { member: Member }): ReactNode {
  const t = useText();
  const permits = usePermits();
  const { session } = useSession();
  if (!permits("staff:write") || member.id === session.staff) return null;
  const path = { staff: member.id };
  const asked = t("已提交，等待另一位管理员批准。", "Asked for: another administrator decides.");
  return (
    <Space>
      {member.state === "active" && (
        <>
          <ActButton
            zh="改角色"
            en="Change role"
            fields={[ROLE, REASON]}
            send={({ role = "", reason = "" }, key) =>
              api.POST("/v1/staff/members/{staff}/roles", {
                params: { path, header: { "Idempotency-Key": key } },
                body: { roles: [role], reason },
              })
            }
            done={asked}
          />
          <ActButton
            zh="停用"
            en="Suspend"
            isDanger
            fields={[REASON]}
            send={({ reason = "" }) =>
              api.POST("/v1/staff/members/{staff}/suspend", { params: { path }, body: { reason } })
            }
            done={t("已停用，其所有会话已结束。", "Suspended; every session of theirs has ended.")}
          />
        </>
      )}
      {member.state === "suspended" && (
        <ActButton
          zh="恢复"
          en="Restore"
          fields={[REASON]}
          send={({ reason = "" }, key) =>
            api.POST("/v1/staff/members/{staff}/restore", {
              params: { path, header: { "Idempotency-Key": key } },
              body: { reason },
            })
          }
          done={asked}
        />
      )}
    </Space>
  );
}

const COLUMNS: readonly Column<Member>[] = [
  { key: "name", zh: "姓名", en: "Name", value: (row) => row.name },
  { key: "email", zh: "邮箱", en: "E-mail", value: (row) => row.email },
  { key: "state", zh: "状态", en: "State", value: (row) => row.state, render: (row) => <State of={row.state} /> },
  { key: "roles", zh: "角色", en: "Roles", value: (row) => row.roles.join(" "), render: (row) => <RoleTags roles={row.roles} /> },
  { key: "branch", zh: "机构", en: "Branch", value: (row) => row.branch },
  { key: "id", zh: "编号", en: "Id", value: (row) => row.id, render: (row) => <Id id={row.id} /> },
  { key: "created_at", zh: "加入", en: "Since", value: (row) => row.created_at, render: (row) => <Instant at={row.created_at} /> },
  { key: "acts", zh: "操作", en: "Acts", value: () => null, render: (row) => <MemberActs member={row} /> },
];

export function Page(): ReactNode {
  const t = useText();
  const permits = usePermits();
  return (
    <PageFrame
      zh="员工与角色"
      en="Staff and roles"
      lead={t("给予权限的人不使用权限；审计不兼任其他角色。", "Who gives out rights does not use them; who audits has no other role.")}
      acts={
        permits("staff:write") && (
          <ActButton
            zh="提名员工"
            en="Propose somebody"
            isPrimary
            fields={[
              { name: "name", zh: "姓名", en: "Name" },
              { name: "email", zh: "工作邮箱", en: "Work e-mail" },
              ROLE,
              { name: "branch", zh: "机构", en: "Branch", isOptional: true },
              REASON,
            ]}
            send={({ name = "", email = "", role = "", branch, reason = "" }, key) =>
              api.POST("/v1/staff/members", {
                params: { header: { "Idempotency-Key": key } },
                body: { name, email, roles: [role], reason, ...(branch === undefined ? {} : { branch }) },
              })
            }
            done={t("已提交，等待另一位管理员批准。", "Asked for: another administrator decides.")}
          />
        )
      }
    >
      <Part zh="员工" en="Members">
        <DataTable
          name="staff"
          columns={COLUMNS}
          rowKey={(row) => row.id}
          load={(query) => api.GET("/v1/staff/members", { params: { query } })}
        />
      </Part>
      <Roles />
    </PageFrame>
  );
}

function Roles(): ReactNode {
  const t = useText();
  const { language } = usePreferences();
  const policy = useLoad(["roles"], () => api.GET("/v1/staff/roles"));
  return (
    <Loaded query={policy}>
      {({ roles, acts }) => (
        <>
          <Part zh="角色" en="Roles">
            <Rows
              rows={roles}
              rowKey={(role) => role.name}
              columns={[
                [t("角色", "Role"), (role) => wordOf(role.name, language)],
                [t("权限数", "Permissions"), (role) => role.permissions.length],
                [t("单笔上限", "At most"), (role) => Object.entries(role.amount_max).map(([name, most]) => <div key={name}><span className="mono">{name}</span> <Amount of={most} /></div>)],
                [t("权限", "May"), (role) => <details><summary>{t("展开", "Show")}</summary><span className="mono">{role.permissions.join(" ")}</span></details>],
              ]}
            />
          </Part>
          <Part zh="须两人办理的事项" en="What takes two people">
            <Rows
              rows={acts}
              rowKey={(act) => act.name}
              columns={[
                [t("事项", "Act"), (act) => <span className="mono">{act.name}</span>],
                [t("申请权限", "Asked with"), (act) => <span className="mono">{act.request}</span>],
                [t("批准权限", "Decided with"), (act) => <span className="mono">{act.approve}</span>],
                [t("有效小时", "Hours"), (act) => act.hours],
              ]}
            />
          </Part>
        </>
      )}
    </Loaded>
  );
}
