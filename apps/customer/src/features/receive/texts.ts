import type { Catalogue } from "@huitong/kit";

const texts = {
  title: { zh: "收付款码", en: "My codes" },
  show: { zh: "出示", en: "Show" },
  receive: { zh: "收钱", en: "Receive" },
  pay: { zh: "向商家付款", en: "Pay a shop" },
  receive_note: { zh: "请对方用汇通扫一扫，钱直接到您的账户。", en: "Have them scan it with Huitong; the money comes straight to your account." },
  sum: { zh: "金额（可不填）", en: "Amount (may be empty)" },
  share: { zh: "复制收款链接", en: "Copy the link" },
  copied: { zh: "已复制", en: "Copied" },
  qr_receive: { zh: "收款二维码", en: "QR code to pay you" },
  qr_pay: { zh: "付款二维码", en: "QR code for the shop to charge" },
  pay_note: { zh: "出示给收银员扫描。只能用一次，{seconds} 秒后失效。不要截图发给别人。", en: "Show it to the cashier. It works once, for {seconds} more seconds. Send it to nobody." },
  pay_over: { zh: "付款码已过期", en: "The code has expired" },
  new_code: { zh: "换一个新码", en: "New code" },
  split: { zh: "分摊", en: "Split a bill" },
  split_lead: { zh: "把一笔花费平均分给几个人，一分不差。", en: "Share what was spent among people, to the cent." },
  total: { zh: "总金额", en: "Total" },
  people: { zh: "一共几个人（含自己）", en: "How many people, you included" },
  people_wrong: { zh: "请输入 2 到 20", en: "Enter 2 to 20" },
  your_share: { zh: "您自己承担", en: "Your own share" },
  person: { zh: "第 {number} 位", en: "Person {number}" },
  copy: { zh: "复制链接", en: "Copy link" },
  note: { zh: "分摊", en: "Split" },
} as const;

export const TEXTS: Catalogue<keyof typeof texts> = texts;
