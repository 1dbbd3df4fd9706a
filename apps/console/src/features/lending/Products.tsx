import type { ReactNode } from "react";
import { api, type Schema } from "@/app/api";
import { type Column, DataTable } from "@/app/DataTable";
import { PageFrame } from "@/app/PageFrame";
import { useText } from "@/app/text";

type Product = Schema["ProductView"];

const COLUMNS: readonly Column<Product>[] = [
  { key: "code", zh: "代码", en: "Code", value: (row) => row.code, render: (row) => <span className="mono">{row.code}</span> },
  { key: "name_zh", zh: "中文名", en: "Chinese name", value: (row) => row.name_zh },
  { key: "name_en", zh: "英文名", en: "English name", value: (row) => row.name_en },
  { key: "version", zh: "版本", en: "Version", align: "right", value: (row) => row.version },
  { key: "currency", zh: "币种", en: "Currency", value: (row) => row.currency },
  { key: "rate", zh: "年利率", en: "Rate a year", align: "right", value: (row) => `${row.rate_min} – ${row.rate_max}` },
  { key: "effective_from", zh: "生效", en: "From", value: (row) => row.effective_from },
  {
    key: "terms", zh: "条款", en: "Terms", value: (row) => JSON.stringify(row.terms),
    render: (row) => (
      <details>
        <summary>{row.code} v{row.version}</summary>
        <pre className="json mono">{JSON.stringify(row.terms, null, 2)}</pre>
      </details>
    ),
  },
];

export function Page(): ReactNode {
  const t = useText();
  return (
    <PageFrame zh="产品" en="Products" lead={t("贷款产品及其版本；新版本由两人设立。", "Products of lending by version; a new one takes two people.")}>
      <section className="part">
        <DataTable
          name="products"
          columns={COLUMNS}
          rowKey={(row) => `${row.code} ${row.version}`}
          empty={t("还没有产品", "No products yet")}
          load={() =>
            api
              .GET("/v1/loan-products")
              .then((answer) =>
                answer.data === undefined ? answer : { ...answer, data: { ...answer.data, next_cursor: null } },
              )
          }
        />
      </section>
    </PageFrame>
  );
}
