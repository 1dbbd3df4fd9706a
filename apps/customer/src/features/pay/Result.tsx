import { showInstant, showMoney } from "@huitong/kit";
import { useState } from "react";
import { Link } from "react-router";
import { Icon } from "@/app/icons";
import { usePrefs, useText } from "@/app/prefs";
import { useOnce } from "@/app/once";
import { Action, Card, Failure } from "@/app/ui";
import { cancelHeld, type Order, type Payment } from "./payment";
import { TEXTS } from "./texts";

/** What became of a payment. */
export function Result({ payment, order }: { payment: Payment; order: Order }) {
  const t = useText(TEXTS);
  const { language } = usePrefs();
  const [isCancelled, setCancelled] = useState(false);
  const once = useOnce<string, true>("cancel", async (id, key) => {
    await cancelHeld(id, key);
    return true;
  });
  const isHeld = payment.status === "held" && !isCancelled;
  return (
    <Card>
      <div className={`result ${payment.status === "succeeded" ? "result-good" : ""}`} role="status">
        <span className="result-icon">
          <Icon name={payment.status === "succeeded" ? "check" : "clock"} size={36} />
        </span>
        <h2>{t(isCancelled ? "cancelled" : payment.status === "held" ? "held" : "paid")}</h2>
        <p className="big">{showMoney(payment.amount)}</p>
        {isHeld && <p>{t("held_money")}</p>}
      </div>
      <dl className="facts">
        <div>
          <dt>{t("to_whom")}</dt>
          <dd>{order.shown}</dd>
        </div>
        <div>
          <dt>{t("time")}</dt>
          <dd>{showInstant(payment.completed_at ?? payment.created_at, language)}</dd>
        </div>
        <div>
          <dt>{t("reference")}</dt>
          <dd className="small">{payment.id}</dd>
        </div>
      </dl>
      {once.error !== null && <Failure error={once.error} />}
      {isHeld && (
        <Action
          kind="danger"
          isBusy={once.isBusy}
          onClick={() => void once.send(payment.id).then((done) => done === true && setCancelled(true))}
        >
          {t("cancel_held")}
        </Action>
      )}
      <Link className="action action-main" to="/" replace>
        {t("home")}
      </Link>
      <Link className="action action-plain" to="/bills" replace>
        {t("balance_now")}
      </Link>
    </Card>
  );
}
