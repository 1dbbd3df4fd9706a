import type { Catalogue } from "@huitong/kit";

const common = {
  brand: { zh: "汇通", en: "Huitong" },
  back: { zh: "返回", en: "Back" },
  retry: { zh: "再试一次", en: "Try again" },
  ask_result: { zh: "查询结果", en: "Ask what happened" },
  log_in_again: { zh: "重新登录", en: "Log in again" },
  confirm: { zh: "确认", en: "Confirm" },
  cancel: { zh: "取消", en: "Cancel" },
  done: { zh: "完成", en: "Done" },
  more: { zh: "查看更多", en: "Show more" },
  loading: { zh: "正在加载", en: "Loading" },
  offline: {
    zh: "网络已断开。已显示的内容可能不是最新的；联网后会自动恢复。",
    en: "You are offline. What you see may be old; it goes on when the network is back.",
  },
  nav: { zh: "主导航", en: "Main" },
  home: { zh: "首页", en: "Home" },
  bills: { zh: "账单", en: "Bills" },
  loans: { zh: "借款", en: "Loans" },
  mine: { zh: "我的", en: "Mine" },
  not_found: { zh: "没有这个页面", en: "There is no such page" },
  to_home: { zh: "回到首页", en: "Go home" },
  amount: { zh: "金额", en: "Amount" },
  amount_shape: { zh: "请输入金额，例如 12.50", en: "Enter an amount, for example 12.50" },
  amount_places: { zh: "最多两位小数", en: "Two decimal places at most" },
  amount_zero: { zh: "金额必须大于 0", en: "The amount must be above 0" },
  amount_large: { zh: "金额太大", en: "The amount is too large" },
  skip: { zh: "跳到内容", en: "Skip to content" },
  crashed: {
    zh: "页面出错了。您的钱不受影响，请重新打开页面。",
    en: "This page broke. Your money is not affected; please load the page again.",
  },
  reload: { zh: "重新打开", en: "Load again" },
} as const;

export type CommonKey = keyof typeof common;
export const COMMON: Catalogue<CommonKey> = common;
