import { Table } from "antd";
import type { ReactNode } from "react";

/** A short table inside a page: no filters, no pages. */
export function Rows<T extends object>({
  rows,
  columns,
  rowKey,
}: {
  rows: readonly T[];
  columns: readonly (readonly [string, (row: T) => ReactNode])[];
  rowKey: (row: T) => string;
}): ReactNode {
  return (
    <Table<T>
      size="small"
      pagination={false}
      scroll={{ x: "max-content" }}
      dataSource={[...rows]}
      rowKey={rowKey}
      columns={columns.map(([title, show], index) => ({
        key: String(index),
        title,
        render: (_: unknown, row: T) => show(row),
      }))}
    />
  );
}
