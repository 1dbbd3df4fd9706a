export interface MenuItem {
  path: string;
  zh: string;
  en: string;
  /** One of these permissions is enough; everybody who is signed in sees it without one. */
  any?: readonly string[];
}

export interface MenuGroup {
  zh: string;
  en: string;
  items: readonly MenuItem[];
}

export const MENU: readonly MenuGroup[] = [
  {
    zh: "总览",
    en: "Overview",
    items: [
      { path: "/", zh: "看板", en: "Dashboard" },
      { path: "/approvals", zh: "审批箱", en: "Approvals" },
    ],
  },
  {
    zh: "业务",
    en: "Business",
    items: [
      { path: "/payments", zh: "支付", en: "Payments", any: ["payments:search"] },
      { path: "/stopped", zh: "待处理的支付", en: "Stopped payments", any: ["stopped_payments:read"] },
      { path: "/customers", zh: "客户", en: "Customers", any: ["people:read"] },
      { path: "/loans", zh: "贷款", en: "Loans", any: ["loans:read"] },
      { path: "/products", zh: "产品", en: "Products", any: ["loans:read"] },
    ],
  },
  {
    zh: "风险",
    en: "Risk",
    items: [
      { path: "/cases", zh: "案件与预警", en: "Cases and alerts", any: ["cases:read"] },
      { path: "/rules", zh: "规则", en: "Rules", any: ["rules:read"] },
      { path: "/tables", zh: "决策表", en: "Decision tables", any: ["tables:read"] },
    ],
  },
  {
    zh: "账务",
    en: "Books",
    items: [
      { path: "/ledger", zh: "总账", en: "Ledger", any: ["ledger:read"] },
      { path: "/breaks", zh: "对账差错", en: "Reconciliation", any: ["reconciliation:read"] },
    ],
  },
  {
    zh: "管理",
    en: "Oversight",
    items: [
      { path: "/rulebook", zh: "规则手册", en: "Rulebook", any: ["rulebook:read"] },
      { path: "/audit", zh: "审计记录", en: "Audit trail", any: ["audit:read"] },
      { path: "/work", zh: "失败的任务", en: "Failed work", any: ["work:read"] },
      { path: "/staff", zh: "员工与角色", en: "Staff and roles", any: ["staff:read"] },
    ],
  },
];
