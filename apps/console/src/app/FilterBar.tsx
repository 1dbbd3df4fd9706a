import { DeleteOutlined, DownloadOutlined, ReloadOutlined, SaveOutlined } from "@ant-design/icons";
import { Button, Input, Popover, Space } from "antd";
import type { ReactNode, SyntheticEvent } from "react";
import { useState } from "react";
import { dropView, listViews, saveView } from "@/app/views";
import { useText } from "@/app/text";
import { wordOf } from "@/app/words";
import { usePreferences } from "@/app/text";

export interface Filter {
  key: string;
  zh: string;
  en: string;
  /** What may be chosen; free text without them. */
  options?: readonly string[];
  /** An instant or a day that is typed into the browser's own field. */
  type?: "instant" | "day";
}

interface Props {
  list: string;
  filters: readonly Filter[];
  asked: Record<string, string>;
  sort: string | null;
  onShow: (filters: Record<string, string>, sort: string | null) => void;
  onExport: () => void;
  canExport: boolean;
  onReload: () => void;
}

/** An instant of the API's as the browser's field has it, in Shanghai, and back. */
function toField(at: string): string {
  const local = new Date(new Date(at).getTime() + 8 * 3_600_000);
  return Number.isNaN(local.getTime()) ? "" : local.toISOString().slice(0, 16);
}

function fromField(text: string): string {
  return text === "" ? "" : new Date(`${text}:00+08:00`).toISOString();
}

export function FilterBar(props: Props): ReactNode {
  const { list, filters, asked, sort, onShow, onExport, canExport, onReload } = props;
  const t = useText();
  const { language } = usePreferences();
  const submit = (event: SyntheticEvent<HTMLFormElement, SubmitEvent>): void => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    const next: Record<string, string> = {};
    for (const filter of filters) {
      const value = given.get(filter.key);
      const text = typeof value === "string" ? value.trim() : "";
      if (text) next[filter.key] = filter.type === "instant" ? fromField(text) : text;
    }
    onShow(next, sort);
  };
  return (
    <form className="filters" onSubmit={submit} key={JSON.stringify(asked)} aria-label={`${t("筛选", "Filters")} ${list}`}>
      {filters.map((filter) => (
        <label key={filter.key} className="filter">
          <span>{t(filter.zh, filter.en)}</span>
          {filter.options ? (
            <select name={filter.key} defaultValue={asked[filter.key] ?? ""} className="field">
              <option value="">{t("全部", "All")}</option>
              {filter.options.map((each) => (
                <option key={each} value={each}>
                  {wordOf(each, language)}
                </option>
              ))}
            </select>
          ) : (
            <input
              name={filter.key}
              className="field"
              type={filter.type === undefined ? "text" : filter.type === "day" ? "date" : "datetime-local"}
              defaultValue={
                filter.type === "instant" ? toField(asked[filter.key] ?? "") : (asked[filter.key] ?? "")
              }
            />
          )}
        </label>
      ))}
      <Space wrap className="filter-acts">
        {filters.length > 0 && (
          <>
            <Button htmlType="submit" type="primary">
              {t("查询", "Search")}
            </Button>
            <Button onClick={() => onShow({}, null)}>{t("清空", "Clear")}</Button>
          </>
        )}
        <Views list={list} asked={asked} sort={sort} onShow={onShow} />
        <Button icon={<ReloadOutlined aria-hidden />} onClick={onReload}>
          {t("刷新", "Reload")}
        </Button>
        <Button icon={<DownloadOutlined aria-hidden />} disabled={!canExport} onClick={onExport}>
          {t("导出", "Export")}
        </Button>
      </Space>
    </form>
  );
}

function Views({ list, asked, sort, onShow }: Pick<Props, "list" | "asked" | "sort" | "onShow">): ReactNode {
  const t = useText();
  const [views, setViews] = useState(() => listViews(list));
  const [name, setName] = useState("");
  const save = (): void => {
    if (name.trim() === "") return;
    setViews(saveView(list, { name: name.trim().slice(0, 40), filters: asked, sort }));
    setName("");
  };
  const content = (
    <Space direction="vertical" className="views">
      {views.map((view) => (
        <Space key={view.name}>
          <Button type="link" size="small" onClick={() => onShow(view.filters, view.sort)}>
            {view.name}
          </Button>
          <Button
            type="text"
            size="small"
            icon={<DeleteOutlined aria-hidden />}
            aria-label={t(`删除视图 ${view.name}`, `Delete view ${view.name}`)}
            onClick={() => setViews(dropView(list, view.name))}
          />
        </Space>
      ))}
      <Space.Compact>
        <Input
          size="small"
          value={name}
          aria-label={t("视图名称", "Name of the view")}
          placeholder={t("把当前条件存为…", "Save this as …")}
          onChange={(event) => setName(event.target.value)}
          onPressEnter={(event) => {
            event.preventDefault();
            save();
          }}
        />
        <Button size="small" onClick={save}>
          {t("保存", "Save")}
        </Button>
      </Space.Compact>
    </Space>
  );
  return (
    <Popover content={content} trigger="click" placement="bottomLeft">
      <Button icon={<SaveOutlined aria-hidden />}>{t("视图", "Views")}</Button>
    </Popover>
  );
}
