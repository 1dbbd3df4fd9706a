import type { Language } from "@huitong/kit";

/** Codes of the API in words: states, kinds, actions. What is not here is shown as it is. */
const WORDS: Record<string, string> = {
  created: "已创建", held: "已暂扣", pending: "待处理", succeeded: "成功", failed: "失败",
  closed: "已关闭", partly_refunded: "部分退款", refunded: "已退款", approved: "已批准",
  rejected: "已驳回", withdrawn: "已撤回", expired: "已过期", transfer: "转账", payment: "支付",
  checkout: "收银台", static_qr: "静态码", dynamic_qr: "动态码", customer_code: "付款码",
  authorisation: "预授权", top_up: "充值", withdrawal: "提现", allow: "放行",
  step_up: "加强验证", review: "人工审核", delay: "延迟到账", block: "拦截", open: "未结",
  merged: "已合并", fraud: "欺诈", genuine: "正常", unclear: "无法判断", draft: "草稿",
  shadow: "影子运行", live: "生效", retired: "已停用", offered: "已报价", lent: "已放款",
  refused: "已拒绝", lapsed: "已失效", active: "正常", paid_off: "已结清", written_off: "已核销",
  timing: "时间差", cured: "已处理", matched: "已对上", proposed: "待批准", suspended: "已停用账号",
  posted: "已过账", post_pending: "确认冻结", void_pending: "解除冻结", expire_pending: "到期解冻",
  in: "入", out: "出", paid: "已支付", given_back: "已退回", blocked: "已拦截", log_in: "登录",
  onboarding: "开户", loan: "贷款", customer: "客户", account: "账户", device: "设备",
  address: "地址", merchant: "商户", mobile: "手机号", pair: "收付对", opened: "立案",
  alert: "预警", related: "关联", assigned: "已分派", released: "已退回队列", note: "备注",
  list_proposed: "提请入名单", overturned: "已推翻", debit: "借", credit: "贷",
  replay: "补记", reverse: "冲正", suspense: "挂账", accept_fee: "认费差", wait: "等待",
  accept: "认可", service: "客服", operations: "运营", risk: "风险", compliance: "合规",
  product: "产品", auditor: "审计", administrator: "管理员", critical: "严重",
  warning: "警告", acknowledged: "处理中", resolved: "已解决", queued: "排队中",
  running: "运行中", done: "完成", balance_payments: "余额支付", static_code: "静态码支付",
  dynamic_code: "动态码支付", report: "报告", info: "参考", warn: "提示",
};

export function wordOf(code: string, language: Language): string {
  if (language === "zh") return WORDS[code] ?? code.replaceAll("_", " ");
  const plain = code.replaceAll("_", " ");
  return plain.charAt(0).toUpperCase() + plain.slice(1);
}
