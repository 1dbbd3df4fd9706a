import type { ApiError, Language } from "@huitong/kit";

/** What the API's codes mean to a person; what is not here is told in the API's own words. */
const WORDS: Readonly<Record<string, Readonly<Record<Language, string>>>> = {
  account_closed: { zh: "账户已销户。", en: "The account is closed." },
  account_frozen: { zh: "账户已冻结，请联系客服。", en: "The account is frozen; contact us." },
  account_not_found: { zh: "没有找到收款人。", en: "There is no such payee." },
  balance_too_large: {
    zh: "超过收款账户的余额上限。",
    en: "The payee's account cannot hold so much.",
  },
  caller_blocked: { zh: "操作异常，请稍后再试。", en: "Too many odd requests; wait a while." },
  code_altered: { zh: "二维码已损坏或被改动。", en: "The code is damaged or was changed." },
  code_expired: { zh: "二维码已过期，请对方刷新。", en: "The code has expired; ask for a new one." },
  code_not_found: { zh: "这不是汇通的收款码。", en: "This is no code of ours." },
  code_used: { zh: "二维码已用过。", en: "The code was used already." },
  day_count_exceeded: { zh: "超过当日笔数上限。", en: "That is too many payments for one day." },
  day_limit_exceeded: { zh: "超过当日限额。", en: "That is above your limit of the day." },
  insufficient_funds: { zh: "余额不足。", en: "There is not enough money on the account." },
  invalid_field: { zh: "有内容填写不正确。", en: "Something was not filled in right." },
  log_in_blocked: { zh: "为了安全，本次登录被拦截。", en: "This log-in was stopped to be safe." },
  log_in_refused: {
    zh: "手机号、验证码或密码不正确。",
    en: "The number, code or password is not right.",
  },
  payment_blocked: { zh: "风控拦截了这笔付款。", en: "Our risk control stopped this payment." },
  rate_limited: { zh: "操作太频繁，请稍后再试。", en: "Too often; wait a little." },
  same_account: { zh: "不能付给自己。", en: "You cannot pay yourself." },
  session_ended: { zh: "登录已过期。", en: "Your session has ended." },
  not_authenticated: { zh: "登录已过期。", en: "Your session has ended." },
  step_up_refused: { zh: "验证没有通过。", en: "The proof was not right." },
  too_many_attempts: { zh: "尝试次数过多，请稍后再试。", en: "Too many tries; wait a while." },
  total_limit_exceeded: { zh: "超过累计限额。", en: "That is above your limit in total." },
  year_limit_exceeded: { zh: "超过年度限额。", en: "That is above your limit of the year." },
  route_not_found: { zh: "没有找到。", en: "Not found." },
};

const OUTCOMES = {
  unavailable: { zh: "服务暂时繁忙。", en: "The service is busy for the moment." },
  unknown: { zh: "没有收到服务器的答复。", en: "No answer came from the server." },
} as const;

/** Returns in one sentence why something did not work. */
export function explain(error: ApiError, language: Language): string {
  const known = WORDS[error.code];
  if (known !== undefined) return known[language];
  if (error.outcome !== "refused") return OUTCOMES[error.outcome][language];
  const detail = error.problem?.detail ?? error.code;
  return language === "zh" ? `未被接受：${detail}` : detail;
}
