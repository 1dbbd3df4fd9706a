import { Button } from "antd";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { api } from "@/app/api";
import { download, makeCsv } from "@/app/csv";
import { PageFrame } from "@/app/PageFrame";
import { Rows } from "@/app/Rows";
import { Amount, Loaded, Pill } from "@/app/Show";
import { usePreferences, useText } from "@/app/text";
import { useLoad } from "@/app/useLoad";

const SECONDS = 30;

export function Page(): ReactNode {
  const t = useText();
  const { language } = usePreferences();
  const books = useLoad(["trial-balance"], () => api.GET("/v1/ledger/trial-balance"), { seconds: SECONDS });
  return (
    <PageFrame zh="总账" en="Ledger" lead={t("试算平衡：每个币种的借方合计等于贷方合计。", "The trial balance: in each currency, debits equal credits.")}>
      <Loaded query={books}>
        {({ data }) =>
          data.map((book) => (
            <section key={book.currency} className="part">
              <header className="part-head">
                <h2>
                  {book.currency}{" "}
                  <Pill tone={book.is_tied ? "good" : "bad"}>{book.is_tied ? t("平衡", "Tied") : t("不平", "Not tied")}</Pill>
                </h2>
                <span>
                  {t("借方", "Debits")} <Amount of={book.debits} /> · {t("贷方", "Credits")} <Amount of={book.credits} />{" "}
                  <Button
                    size="small"
                    onClick={() =>
                      download(
                        `trial-balance-${book.currency}.csv`,
                        makeCsv(
                          ["code", "name_zh", "name", "accounts", "debits", "credits", "balance"],
                          book.lines.map((line) => [
                            line.chart_code, line.name_zh, line.name, String(line.accounts),
                            line.debits.amount, line.credits.amount, line.balance.amount,
                          ]),
                        ),
                      )
                    }
                  >
                    {t("导出", "Export")} {book.currency}
                  </Button>
                </span>
              </header>
              <Rows
                rows={book.lines}
                rowKey={(line) => line.chart_code}
                columns={[
                  [t("科目", "Code"), (line) => <Link className="mono" to={`/ledger/codes/${line.chart_code}`}>{line.chart_code}</Link>],
                  [t("名称", "Name"), (line) => (language === "zh" ? line.name_zh : line.name)],
                  [t("账户数", "Accounts"), (line) => line.accounts],
                  [t("借方", "Debits"), (line) => <Amount of={line.debits} />],
                  [t("贷方", "Credits"), (line) => <Amount of={line.credits} />],
                  [t("余额", "Balance"), (line) => <Amount of={line.balance} />],
                ]}
              />
            </section>
          ))
        }
      </Loaded>
    </PageFrame>
  );
}
