import { createBrowserRouter, type RouteObject } from "react-router";
import type { ComponentType } from "react";
import { Shell } from "@/app/Shell";
import { Lost, Problem } from "@/app/Lost";

type Feature = () => Promise<{ Page: ComponentType }>;

function page(path: string, feature: Feature): RouteObject {
  return { path, lazy: async () => ({ Component: (await feature()).Page }) };
}

/** Each page is fetched when somebody goes there. */
export const router = createBrowserRouter(
  [
    {
      path: "/",
      Component: Shell,
      ErrorBoundary: Problem,
      HydrateFallback: () => null,
      children: [
        { index: true, lazy: async () => ({ Component: (await import("@/features/dashboard/Dashboard")).Page }) },
        page("payments", () => import("@/features/payments/PaymentList")),
        page("payments/:payment", () => import("@/features/payments/PaymentTrace")),
        page("stopped", () => import("@/features/payments/StoppedList")),
        page("customers", () => import("@/features/customers/CustomerList")),
        page("customers/:customer", () => import("@/features/customers/CustomerRecord")),
        page("approvals", () => import("@/features/approvals/ApprovalList")),
        page("approvals/:approval", () => import("@/features/approvals/ApprovalPage")),
        page("cases", () => import("@/features/cases/CaseList")),
        page("cases/:case", () => import("@/features/cases/CasePage")),
        page("rules", () => import("@/features/rules/RuleVersions")),
        page("rules/:version", () => import("@/features/rules/RuleVersion")),
        page("tables", () => import("@/features/tables/TableList")),
        page("tables/:version", () => import("@/features/tables/TablePage")),
        page("loans", () => import("@/features/lending/LoanDesk")),
        page("loans/applications/:application", () => import("@/features/lending/ApplicationPage")),
        page("products", () => import("@/features/lending/Products")),
        page("breaks", () => import("@/features/reconciliation/BreakList")),
        page("breaks/:found", () => import("@/features/reconciliation/BreakPage")),
        page("ledger", () => import("@/features/ledger/TrialBalance")),
        page("ledger/codes/:code", () => import("@/features/ledger/AccountList")),
        page("ledger/accounts/:account", () => import("@/features/ledger/AccountPage")),
        page("ledger/entries/:entry", () => import("@/features/ledger/EntryPage")),
        page("rulebook", () => import("@/features/oversight/Rulebook")),
        page("audit", () => import("@/features/oversight/AuditTrail")),
        page("work", () => import("@/features/oversight/FailedWork")),
        page("staff", () => import("@/features/staff/StaffList")),
        { path: "*", Component: Lost },
      ],
    },
  ],
  { basename: "/console" },
);
