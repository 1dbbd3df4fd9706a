import { showMoney, unwrap } from "@huitong/kit";
import { api } from "@/app/api";
import { useLoaded } from "@/app/loaded";
import { useText } from "@/app/prefs";
import { useCustomer } from "@/app/session";
import { Card, Failure, Waiting } from "@/app/ui";
import { TEXTS } from "./texts";

const SPANS = ["day", "year", "total"] as const;

/** What may still be paid. */
export function Limits() {
  const t = useText(TEXTS);
  const customer = useCustomer();
  const { data, error, reload } = useLoaded("limits", () =>
    unwrap(
      api.GET("/v1/customers/{customer}/limits", { params: { path: { customer: customer.id } } }),
    ),
  );
  const meters = data?.meters.filter((meter) => SPANS.some((span) => meter[span] !== null)) ?? [];
  return (
    <Card title={t("limits")}>
      {error !== null && <Failure error={error} onRetry={reload} />}
      {data === null && error === null && <Waiting lines={3} />}
      {data !== null && meters.length === 0 && <p>{t("no_limits")}</p>}
      <dl className="facts">
        {meters.flatMap((meter) =>
          SPANS.map((span) => {
            const found = meter[span];
            return found === null ? null : (
              <div key={`${meter.meter} ${span}`}>
                <dt>
                  {t(meter.meter)} · {t(span)}
                </dt>
                <dd>
                  {t("left", { left: showMoney(found.left), max: showMoney(found.maximum) })}
                </dd>
              </div>
            );
          }),
        )}
      </dl>
    </Card>
  );
}
