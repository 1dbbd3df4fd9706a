import type { Catalogue } from "@huitong/kit";

const texts = {
  hello: { zh: "{name}，您好", en: "Hello, {name}" },
  home: { zh: "首页", en: "Home" },
  available: { zh: "可用余额", en: "Available" },
  hide: { zh: "隐藏", en: "Hide" },
  show: { zh: "显示", en: "Show" },
  held: { zh: "其中 {sum} 暂被占用", en: "{sum} of the balance is held" },
  in_order: { zh: "账户正常 · {account}", en: "Account in order · {account}" },
  pay: { zh: "付款", en: "Pay" },
  scan: { zh: "扫一扫", en: "Scan" },
  code: { zh: "收付款码", en: "My code" },
  split: { zh: "分摊", en: "Split" },
  bills: { zh: "账单", en: "Bills" },
  receive: { zh: "收钱", en: "Receive" },
  more: { zh: "更多", en: "More" },
  acts: { zh: "常用功能", en: "Quick acts" },
  latest: { zh: "最近往来", en: "Latest" },
  all: { zh: "全部账单", en: "All bills" },
  none: { zh: "还没有往来。收一笔钱试试？", en: "Nothing yet. Receive some money?" },
  messages: { zh: "消息", en: "Messages" },
  settings: { zh: "设置", en: "Settings" },
  pending: {
    zh: "有一笔付款没有收到结果。可以查询，同一笔不会付两次。",
    en: "A payment has not been answered yet. Ask what became of it; it is never paid twice.",
  },
  ask: { zh: "查询结果", en: "Ask what happened" },
} as const;

export const TEXTS: Catalogue<keyof typeof texts> = texts;
