import type { Catalogue } from "@huitong/kit";

const texts = {
  title: { zh: "账单", en: "Bills" },
  search: { zh: "在已显示的账单中搜索", en: "Search what is shown" },
  from: { zh: "从", en: "From" },
  to: { zh: "到", en: "To" },
  none: { zh: "这段时间没有往来", en: "Nothing happened in this time" },
  no_match: { zh: "没有找到“{text}”", en: "Nothing matches “{text}”" },
  charts: { zh: "月度图表", en: "Charts by month" },
  download: { zh: "下载对账单", en: "Download the statement" },
  download_choice: { zh: "格式", en: "Format" },
  receipt: { zh: "下载电子回单", en: "Download the receipt" },
  ready: { zh: "文件已下载。", en: "The file is downloaded." },
  detail: { zh: "账单详情", en: "Details" },
  money_in: { zh: "收入", en: "In" },
  money_out: { zh: "支出", en: "Out" },
  balance: { zh: "余额", en: "Balance after" },
  other: { zh: "对方账号", en: "Other account" },
  time: { zh: "时间", en: "Time" },
  day: { zh: "记账日", en: "Business day" },
  number: { zh: "流水号", en: "Number" },
  kind: { zh: "说明", en: "What" },
  absent: { zh: "没有找到这笔账单", en: "There is no such line" },
  month: { zh: "月份", en: "Month" },
  charts_note: { zh: "最近六个月每月的收入和支出", en: "What came in and went out in each of six months" },
  partial: { zh: "往来很多，只统计了最近 {count} 笔。", en: "There is much: only the last {count} lines are counted." },
} as const;

export const TEXTS: Catalogue<keyof typeof texts> = texts;
