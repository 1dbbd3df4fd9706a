import { unwrap, type ApiError } from "@huitong/kit";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Button, Space, Table } from "antd";
import type { SortOrder } from "antd/es/table/interface";
import type { ReactNode } from "react";
import { useMemo } from "react";
import { useSearchParams } from "react-router";
import type { Page } from "@/app/api";
import { download, makeCsv } from "@/app/csv";
import { type Filter, FilterBar } from "@/app/FilterBar";
import { Failed } from "@/app/Show";
import { useText } from "@/app/text";

export interface Column<T> {
  key: string;
  zh: string;
  en: string;
  /** What is sorted by and exported: amounts as the API writes them, instants as ISO 8601. */
  value: (row: T) => string | number | null | undefined;
  render?: (row: T) => ReactNode;
  align?: "right";
}

type Asked<T> = Parameters<typeof unwrap<T>>[0];
export type Query = Record<string, string>;

interface Props<T> {
  /** Names the list: for its saved views, its file and what is kept of its answers. */
  name: string;
  columns: readonly Column<T>[];
  filters?: readonly Filter[];
  load: (query: Query) => Asked<Page<T>>;
  rowKey: (row: T) => string;
  /** Reads the list anew so often, while it is looked at. */
  seconds?: number;
  empty?: string;
}

const SORT = "sort";

function compare<T>(column: Column<T>): (a: T, b: T) => number {
  return (a, b) => {
    const [one, two] = [column.value(a) ?? "", column.value(b) ?? ""];
    if (typeof one === "number" && typeof two === "number") return one - two;
    return String(one).localeCompare(String(two), "en", { numeric: true });
  };
}

function readSort(text: string | null): { key: string; order: SortOrder } | null {
  if (text === null) return null;
  const [key = "", order = ""] = text.split(":");
  return { key, order: order === "down" ? "descend" : "ascend" };
}

/** A list with filters in the address, order, saved views, more pages, and export as CSV. */
export function DataTable<T extends object>(props: Props<T>): ReactNode {
  const { name, columns, filters = [], load, rowKey, seconds, empty } = props;
  const t = useText();
  const [address, setAddress] = useSearchParams();
  const asked = useMemo(() => {
    const query: Query = {};
    for (const filter of filters) {
      const value = address.get(filter.key);
      if (value) query[filter.key] = value;
    }
    return query;
  }, [address, filters]);
  const sort = readSort(address.get(SORT));
  const list = useInfiniteQuery<Page<T>, ApiError, T[], unknown[], string | null>({
    queryKey: ["list", name, asked],
    queryFn: ({ pageParam }) =>
      unwrap(load(pageParam === null ? asked : { ...asked, cursor: pageParam })),
    initialPageParam: null,
    getNextPageParam: (page) => page.next_cursor,
    select: (all) => all.pages.flatMap((page) => page.data),
    ...(seconds === undefined ? {} : { refetchInterval: seconds * 1000 }),
  });
  const rows = list.data ?? [];

  const show = (next: Query, order: string | null): void => {
    const keep = new URLSearchParams();
    for (const [key, value] of address) {
      if (key !== SORT && !filters.some((filter) => filter.key === key)) keep.append(key, value);
    }
    for (const [key, value] of Object.entries(next)) if (value) keep.set(key, value);
    if (order !== null) keep.set(SORT, order);
    setAddress(keep);
  };
  const exportRows = (): void => {
    const shown = columns.filter((column) => column.key !== "acts");
    const head = shown.map((column) => t(column.zh, column.en));
    const body = rows.map((row) => shown.map((column) => String(column.value(row) ?? "")));
    download(`${name}.csv`, makeCsv(head, body));
  };

  return (
    <div>
      <FilterBar
        list={name}
        filters={filters}
        asked={asked}
        sort={address.get(SORT)}
        onShow={show}
        onExport={exportRows}
        canExport={rows.length > 0}
        onReload={() => void list.refetch()}
      />
      {list.error && <Failed error={list.error} retry={() => void list.refetch()} />}
      <Table<T>
        size="small"
        rowKey={rowKey}
        dataSource={rows}
        loading={list.isPending}
        pagination={false}
        scroll={{ x: "max-content" }}
        locale={{ emptyText: list.error ? " " : (empty ?? t("没有符合条件的记录", "Nothing here")) }}
        columns={columns.map((column) => ({
          key: column.key,
          title: t(column.zh, column.en),
          ...(column.align === undefined ? {} : { align: column.align }),
          ...(column.key === "acts"
            ? {}
            : { sorter: compare(column), sortOrder: sort?.key === column.key ? sort.order : null }),
          render: (_: unknown, row: T) => column.render?.(row) ?? column.value(row) ?? "–",
        }))}
        onChange={(_, __, sorter) => {
          const one = Array.isArray(sorter) ? sorter[0] : sorter;
          const order = one?.order ? (one.order === "descend" ? "down" : "up") : null;
          show(asked, order === null ? null : `${String(one?.columnKey)}:${order}`);
        }}
      />
      {rows.length > 0 && (
        <Space className="more">
          <span className="quiet">{t(`已显示 ${rows.length} 条`, `${rows.length} shown`)}</span>
          {list.hasNextPage && (
            <Button size="small" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
              {t("更多", "More")}
            </Button>
          )}
        </Space>
      )}
      {rows.length === 0 && list.hasNextPage && (
        <Button size="small" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t("继续往前查找", "Look further back")}
        </Button>
      )}
    </div>
  );
}
