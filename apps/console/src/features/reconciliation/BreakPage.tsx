import type { ReactNode } from "react";
import { useParams } from "react-router";
import { ActButton, REASON } from "@/app/ActButton";
import { api, type Schema } from "@/app/api";
import { Facts, PageFrame, Part } from "@/app/PageFrame";
import { usePermits, useSession } from "@/app/session";
import { Amount, Id, Instant, Loaded, State } from "@/app/Show";
import { usePreferences, useText } from "@/app/text";
import { useLoad } from "@/app/useLoad";
import { wordOf } from "@/app/words";

type Details = Schema["BreakDetailsView"];
type Side = NonNullable<Details["found"]["ours"]>;
type Cure = Details["found"]["proposed"];

export function Page(): ReactNode {
  const { found: id = "" } = useParams();
  const found = useLoad(["break", id], () =>
    api.GET("/v1/reconciliation/breaks/{break_id}", { params: { path: { break_id: id } } }),
  );
  return <Loaded query={found}>{(data) => <Whole details={data} />}</Loaded>;
}

function Whole({ details }: { details: Details }): ReactNode {
  const t = useText();
  const { language } = usePreferences();
  const { found, history } = details;
  return (
    <PageFrame
      zh="对账差错"
      en="Break"
      lead={language === "zh" ? found.kind_zh : found.kind_en}
      acts={<Acts found={found} />}
    >
      <Part zh="概况" en="At a glance">
        <Facts
          of={[
            [t("状态", "State"), <State key="s" of={found.state} />],
            [t("业务日", "Day"), found.day],
            [t("渠道", "Channel"), found.channel],
            [t("金额", "Amount"), <Amount key="a" of={found.amount} />],
            [t("支付", "Payment"), <Id key="p" id={found.payment} {...(found.payment ? { to: `/payments/${found.payment}` } : {})} />],
            [t("建议", "Proposed"), <State key="c" of={found.proposed} />],
            [t("经办人", "Owner"), <Id key="o" id={found.owner} />],
            [t("发现", "Found"), <Instant key="f" at={found.found_at} />],
          ]}
        />
      </Part>
      <div className="two">
        <SideOf zh="我方" en="Ours" side={found.ours} />
        <SideOf zh="渠道" en="Theirs" side={found.theirs} />
      </div>
      <Part zh="经过" en="History">
        <ol className="timeline">
          {history.map((each) => (
            <li key={each.at + each.act}>
              <b>{wordOf(each.act, language)}</b> · <Instant at={each.at} /> · <Id id={each.actor} />
            </li>
          ))}
        </ol>
      </Part>
    </PageFrame>
  );
}

function SideOf({ zh, en, side }: { zh: string; en: string; side: Side | null }): ReactNode {
  const t = useText();
  return (
    <Part zh={zh} en={en}>
      {side === null ? (
        <p className="quiet">{t("没有记录", "Nothing there")}</p>
      ) : (
        <Facts
          of={[
            [t("金额", "Amount"), <Amount key="a" of={side.amount} />],
            [t("方向", "Direction"), <State key="d" of={side.direction} />],
            [t("状态", "State"), <State key="s" of={side.state} />],
            [t("费用", "Fee"), <Amount key="f" of={side.fee} />],
            [t("时间", "Time"), <Instant key="t" at={side.at} />],
          ]}
        />
      )}
    </Part>
  );
}

function Acts({ found }: { found: Details["found"] }): ReactNode {
  const t = useText();
  const permits = usePermits();
  const { session } = useSession();
  if (!permits("reconciliation:write") || (found.state !== "open" && found.state !== "timing")) return null;
  const path = { break_id: found.id };
  return (
    <>
      {found.owner !== session.staff && (
        <ActButton
          zh="由我经办"
          en="Take it"
          send={(_, key) =>
            api.POST("/v1/reconciliation/breaks/{break_id}/assign", {
              params: { path, header: { "Idempotency-Key": key } },
              body: { owner: session.staff },
            })
          }
          done={t("差错归您经办。", "The break is yours.")}
        />
      )}
      <ActButton
        zh="申请处理"
        en="Ask for a cure"
        isPrimary
        fields={[
          {
            name: "cure",
            zh: "办法",
            en: "Cure",
            options: found.cures.map((cure) => ({ value: cure, zh: wordOf(cure, "zh"), en: wordOf(cure, "en") })),
          },
          REASON,
        ]}
        send={({ cure, reason = "" }, key) =>
          api.POST("/v1/reconciliation/breaks/{break_id}/cure", {
            params: { path, header: { "Idempotency-Key": key } },
            body: { cure: cure as Cure, reason },
          })
        }
        done={t("已提交，等待另一位同事批准。", "Asked for: a colleague decides.")}
      />
    </>
  );
}
