import type { Catalogue } from "@huitong/kit";

const texts = {
  title: { zh: "付款", en: "Pay" },
  to_whom: { zh: "付给谁", en: "To whom" },
  payee: { zh: "对方手机号或账号", en: "Their mobile number or account" },
  payee_hint: { zh: "11 位手机号，或 acct_ 开头的账号", en: "11 digits, or an account that begins with acct_" },
  payee_wrong: { zh: "请输入手机号或账号", en: "Enter a mobile number or an account" },
  merchant: { zh: "商户", en: "Merchant" },
  note: { zh: "备注（可不填）", en: "Note (may be empty)" },
  next: { zh: "下一步", en: "Next" },
  check: { zh: "请核对", en: "Please check" },
  check_note: { zh: "确认后立即付款。", en: "It is paid as soon as you confirm." },
  from: { zh: "付款账户", en: "From" },
  pay_now: { zh: "确认付款 {sum}", en: "Pay {sum}" },
  change: { zh: "修改", en: "Change" },
  pin_title: { zh: "请输入支付密码", en: "Enter your payment PIN" },
  pin_note: {
    zh: "这笔付款需要再验证一次。验证前不会付款。",
    en: "This payment needs one more proof. Nothing is paid before it.",
  },
  pin: { zh: "6 位支付密码", en: "Payment PIN, six digits" },
  no_pin: { zh: "还没有支付密码？去设置", en: "No PIN yet? Set one" },
  use_passkey: { zh: "改用通行密钥", en: "Use a passkey instead" },
  paid: { zh: "付款成功", en: "Paid" },
  held: { zh: "付款已受理，正在核实", en: "Taken, and being looked at" },
  held_money: {
    zh: "钱还在您的账户里，暂被占用；核实后付出，否则退回。",
    en: "The money is still on your account, held; it is paid after the check, or given back.",
  },
  nothing_moved: { zh: "没有付款，钱仍在您的账户里。", en: "Nothing was paid; your money is where it was." },
  may_have: {
    zh: "付款结果还不清楚：可能已付，也可能没有。请查询结果，同一笔不会付两次。",
    en: "It is not known yet whether this was paid. Ask what happened: the same payment is never paid twice.",
  },
  ended: {
    zh: "请重新登录后查询结果，同一笔不会付两次。",
    en: "Log in again and ask what happened: the same payment is never paid twice.",
  },
  waiting: {
    zh: "上一笔付款还没有收到结果",
    en: "Your last payment has not been answered yet",
  },
  forget: { zh: "不再查询", en: "Do not ask again" },
  forget_note: {
    zh: "放弃查询前，请先到账单确认这笔是否已付。",
    en: "Before you give up asking, look into your bills whether it was paid.",
  },
  paying: { zh: "正在付款，请稍候…", en: "Paying, one moment…" },
  balance_now: { zh: "查看账单", en: "See bills" },
  home: { zh: "回到首页", en: "Go home" },
  reference: { zh: "单号", en: "Number" },
  time: { zh: "时间", en: "Time" },
  cancel_held: { zh: "撤回这笔付款", en: "Take this payment back" },
  cancelled: { zh: "已撤回，钱已解除占用。", en: "Taken back; the money is free again." },
} as const;

export const TEXTS: Catalogue<keyof typeof texts> = texts;
