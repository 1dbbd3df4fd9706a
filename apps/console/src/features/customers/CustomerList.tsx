import { ApiError, unwrap } from "@huitong/kit";
import { Button, Space } from "antd";
import type { ReactNode, SyntheticEvent } from "react";
import { useState } from "react";
import { FieldInput } from "@/app/ActButton";
import { api, type Schema } from "@/app/api";
import { type Column, DataTable } from "@/app/DataTable";
import { PageFrame, Part } from "@/app/PageFrame";
import { usePermits } from "@/app/session";
import { Failed, Id, Instant, Nothing } from "@/app/Show";
import { useText } from "@/app/text";
import { Rows } from "@/app/Rows";

type Customer = Schema["CustomerView"];

const COLUMNS: readonly Column<Customer>[] = [
  { key: "id", zh: "客户", en: "Customer", value: (row) => row.id, render: (row) => <Id id={row.id} to={`/customers/${row.id}`} /> },
  { key: "name", zh: "姓名", en: "Name", value: (row) => row.name },
  { key: "mobile", zh: "手机号", en: "Mobile", value: (row) => row.mobile },
  { key: "account_class", zh: "账户类别", en: "Class", value: (row) => row.account_class },
  { key: "account", zh: "账户", en: "Account", value: (row) => row.account, render: (row) => <Id id={row.account} /> },
  { key: "opened_at", zh: "开户", en: "Opened", value: (row) => row.opened_at, render: (row) => <Instant at={row.opened_at} /> },
  { key: "closed_at", zh: "销户", en: "Closed", value: (row) => row.closed_at, render: (row) => <Instant at={row.closed_at} /> },
];

export function Page(): ReactNode {
  const t = useText();
  const permits = usePermits();
  return (
    <PageFrame zh="客户" en="Customers" lead={t("姓名和号码已按您的角色遮蔽；每次查看都有记录。", "Names and numbers are masked for your role; every look is recorded.")}>
      <SearchPart />
      {permits("customers:read") && (
        <Part zh="所有客户" en="Everybody">
          <DataTable
            name="customers"
            columns={COLUMNS}
            rowKey={(row) => row.id}
            load={(query) => api.GET("/v1/customers", { params: { query } })}
          />
        </Part>
      )}
    </PageFrame>
  );
}

function SearchPart(): ReactNode {
  const t = useText();
  const [found, setFound] = useState<Schema["PersonRecordView"][] | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const search = async (event: SyntheticEvent<HTMLFormElement, SubmitEvent>): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const mobile = form.get("mobile");
    const number = form.get("id_number");
    const body = {
      ...(typeof mobile === "string" && mobile ? { mobile } : {}),
      ...(typeof number === "string" && number ? { id_number: number } : {}),
    };
    try {
      setError(null);
      setFound((await unwrap(api.POST("/v1/staff/customers/search", { body }))).data);
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setError(caught);
    }
  };
  return (
    <Part zh="按号码查找" en="Search by number">
      <form className="filters" onSubmit={(event) => void search(event)}>
        <FieldInput field={{ name: "mobile", zh: "手机号", en: "Mobile", isOptional: true }} />
        <FieldInput field={{ name: "id_number", zh: "证件号码", en: "Number of the document", isOptional: true }} />
        <Space>
          <Button type="primary" htmlType="submit">
            {t("查找", "Search")}
          </Button>
        </Space>
      </form>
      {error && <Failed error={error} />}
      {found?.length === 0 && <Nothing>{t("没有这样的客户", "There is nobody with it")}</Nothing>}
      {found && found.length > 0 && (
        <Rows
          rows={found}
          rowKey={(row) => row.customer.id}
          columns={[
            [t("客户", "Customer"), (row) => <Id id={row.customer.id} to={`/customers/${row.customer.id}`} />],
            [t("姓名", "Name"), (row) => row.customer.name ?? "–"],
            [t("手机号", "Mobile"), (row) => row.customer.mobile ?? "–"],
            [t("证件", "Document"), (row) => row.identity?.id_number ?? "–"],
          ]}
        />
      )}
    </Part>
  );
}
