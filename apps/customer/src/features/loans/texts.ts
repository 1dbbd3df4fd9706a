import type { Catalogue } from "@huitong/kit";

const texts = {
  title: { zh: "借款", en: "Loans" },
  mine: { zh: "我的借款", en: "My loans" },
  none: { zh: "没有借款", en: "You owe nothing" },
  products: { zh: "可以申请的借款", en: "What you can ask for" },
  no_products: { zh: "目前没有可申请的借款", en: "There is nothing to ask for at the moment" },
  rate_span: { zh: "年利率（单利）{min} 至 {max}", en: "{min} to {max} a year (simple)" },
  applications: { zh: "我的申请", en: "My applications" },
  left: { zh: "剩余本金 {sum}", en: "{sum} of principal left" },
  next_due: { zh: "下次还款日 {day}", en: "Next due {day}" },
  draft: { zh: "未提交", en: "Not handed in" },
  review: { zh: "审核中", en: "In review" },
  offered: { zh: "已批准，待确认", en: "Offered to you" },
  lent: { zh: "已放款", en: "Paid out" },
  refused: { zh: "未通过", en: "Refused" },
  withdrawn: { zh: "已撤回", en: "Withdrawn" },
  lapsed: { zh: "已过期", en: "Lapsed" },
  active: { zh: "还款中", en: "Running" },
  paid_off: { zh: "已结清", en: "Paid off" },
  written_off: { zh: "已核销", en: "Written off" },
  apply: { zh: "申请借款", en: "Ask for a loan" },
  amount: { zh: "想借多少 ¥", en: "How much ¥" },
  payments: { zh: "分几期还", en: "How many payments" },
  payments_wrong: { zh: "请输入期数", en: "Enter how many" },
  use: { zh: "用途", en: "For what" },
  household: { zh: "日常消费", en: "Household" },
  education: { zh: "教育", en: "Education" },
  medical: { zh: "医疗", en: "Medical" },
  travel: { zh: "旅行", en: "Travel" },
  renovation: { zh: "装修", en: "Renovation" },
  income: { zh: "每月收入 ¥", en: "Monthly income ¥" },
  consent: { zh: "我同意为这次申请查询我的征信报告。", en: "I agree that my credit report is asked for, for this application." },
  hand_in: { zh: "提交申请", en: "Hand in" },
  no_money: { zh: "提交申请不产生任何费用。", en: "Asking costs nothing." },
  progress: { zh: "申请进度", en: "Your application" },
  review_note: { zh: "正在由工作人员审核，有结果会出现在消息里。", en: "People are looking at it; what they decide comes up in your messages." },
  offer: { zh: "批准您借", en: "You may borrow" },
  rate: { zh: "年利率", en: "Rate a year" },
  until: { zh: "有效期至", en: "Good until" },
  see_cost: { zh: "查看全部成本", en: "See what it costs" },
  cost: { zh: "综合融资成本", en: "What it costs in all" },
  principal: { zh: "借款本金", en: "Principal" },
  total_cost: { zh: "全部成本", en: "Cost in all" },
  nominal: { zh: "年化利率（单利）", en: "Nominal rate a year" },
  effective: { zh: "年化综合成本", en: "Effective rate a year" },
  due_on: { zh: "还款日", en: "Due" },
  interest: { zh: "利息", en: "Interest" },
  read_first: { zh: "请完整阅读，还需 {seconds} 秒", en: "Please read it all; {seconds} s more" },
  have_read: { zh: "我已阅读并理解全部成本", en: "I have read it and understand the cost" },
  contract: { zh: "借款合同", en: "Contract" },
  contract_note: { zh: "合同指纹 {hash}。签署后立即放款到您的账户。", en: "Fingerprint {hash}. The money is on your account as soon as you sign." },
  send_code: { zh: "获取签约验证码", en: "Send a code to sign" },
  code: { zh: "短信验证码", en: "Code from the text message" },
  sign: { zh: "签署并借款 {sum}", en: "Sign and borrow {sum}" },
  signed: { zh: "已放款", en: "The money is on your account" },
  to_loan: { zh: "查看这笔借款", en: "See the loan" },
  not_lent: { zh: "没有签署，没有放款。", en: "Nothing was signed, nothing was lent." },
  may_be_lent: { zh: "签署结果还不清楚。请再查询，同一份合同不会放款两次。", en: "It is not known yet whether it was signed. Ask again: one contract is never lent twice." },
  withdraw: { zh: "撤回申请", en: "Withdraw it" },
  reasons: { zh: "原因", en: "Why" },
  appeal: { zh: "请人工复核", en: "Ask people to look again" },
  appeal_words: { zh: "想说明什么", en: "What they should know" },
  detail: { zh: "借款详情", en: "Loan" },
  owed: { zh: "现在应还", en: "Due now" },
  repay: { zh: "还款 {sum}", en: "Repay {sum}" },
  repaid: { zh: "还款成功 {sum}", en: "{sum} was repaid" },
  not_repaid: { zh: "没有还款，钱仍在您的账户里。", en: "Nothing was repaid; your money is where it was." },
  may_be_repaid: { zh: "还款结果还不清楚。请再查询，同一笔不会扣两次。", en: "It is not known yet whether it was repaid. Ask again: it is never taken twice." },
  ask_again: { zh: "查询结果", en: "Ask what happened" },
  payoff: { zh: "提前结清", en: "Pay it off" },
  payoff_note: { zh: "今天结清共需 {sum}：本金 {principal}，利息 {interest}，费用 {fee}。", en: "Today it takes {sum}: principal {principal}, interest {interest}, fees {fee}." },
  payoff_now: { zh: "确认结清 {sum}", en: "Pay off {sum}" },
  schedule: { zh: "还款计划", en: "Payments" },
  number: { zh: "期", en: "No." },
} as const;

export type Key = keyof typeof texts;
export const TEXTS: Catalogue<Key> = texts;

/** Returns a code of the API's as a text, or the code itself where the app has no word for it. */
export function wordFor(t: (key: Key) => string, code: string): string {
  return code in TEXTS ? t(code as Key) : code;
}

/** Returns a rate of the API's (`0.1200`) in per cent, without ever making it a float. */
export function showRate(rate: string): string {
  const [whole = "0", fraction = ""] = rate.split(".");
  const digits = (whole + fraction.padEnd(4, "0")).replace(/^0+(?=\d)/u, "").padStart(5, "0");
  const extra = Math.max(0, fraction.length - 4);
  const cut = digits.length - 2 - extra;
  const shown = `${digits.slice(0, cut)}.${digits.slice(cut)}`.replace(/^0+(?=\d)/u, "");
  return `${shown.replace(/0+$/u, "").replace(/\.$/u, "")}%`;
}
