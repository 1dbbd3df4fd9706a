import type { Catalogue } from "@huitong/kit";

const texts = {
  title: { zh: "消息", en: "Messages" },
  none: { zh: "没有需要您处理的消息", en: "Nothing needs you right now" },
  money_in: { zh: "收到 {sum}", en: "{sum} came in" },
  held: { zh: "付款 {sum} 正在核实，钱已占用", en: "Your payment of {sum} is being looked at; the money is held" },
  offer: { zh: "借款 {sum} 已批准，等您确认", en: "A loan of {sum} is offered to you" },
  due: { zh: "借款待还 {sum}", en: "{sum} of a loan is due" },
  review: { zh: "借款申请正在人工审核", en: "People are looking at your loan application" },
} as const;

export const TEXTS: Catalogue<keyof typeof texts> = texts;
