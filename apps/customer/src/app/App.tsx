import { lazy, Suspense } from "react";
import { BrowserRouter, Route, Routes } from "react-router";
import { Entry } from "@/features/entry/Entry";
import { Home } from "@/features/home/Home";
import { Frame, OfflineNotice, Safety } from "./Frame";
import { NotFound } from "./NotFound";
import { PrefsProvider } from "./prefs";
import { SessionProvider, useSession } from "./session";
import { Failure, Waiting } from "./ui";

const Bills = lazy(() => import("@/features/bills/Bills"));
const Bill = lazy(() => import("@/features/bills/Bill"));
const Charts = lazy(() => import("@/features/bills/Charts"));
const Loans = lazy(() => import("@/features/loans/Loans"));
const Product = lazy(() => import("@/features/loans/Apply"));
const Application = lazy(() => import("@/features/loans/Application"));
const Loan = lazy(() => import("@/features/loans/Loan"));
const Messages = lazy(() => import("@/features/messages/Messages"));
const Pay = lazy(() => import("@/features/pay/Pay"));
const Privacy = lazy(() => import("@/features/privacy/Privacy"));
const Receive = lazy(() => import("@/features/receive/Receive"));
const Split = lazy(() => import("@/features/receive/Split"));
const Scan = lazy(() => import("@/features/scan/Scan"));
const Security = lazy(() => import("@/features/security/Security"));
const ReportLoss = lazy(() => import("@/features/security/ReportLoss"));
const Settings = lazy(() => import("@/features/settings/Settings"));
const Mine = lazy(() => import("@/features/settings/Mine"));

function Pages() {
  const { state, refresh } = useSession();
  if (state.status === "loading")
    return (
      <main id="content" className="page">
        <Waiting lines={5} />
      </main>
    );
  if (state.status === "failed")
    return (
      <main id="content" className="page">
        <OfflineNotice />
        <Failure error={state.error} onRetry={() => void refresh()} />
      </main>
    );
  if (state.status === "out") return <Entry hasEnded={state.hasEnded} />;
  return (
    <Frame>
      <Suspense fallback={<main id="content" className="page"><Waiting lines={6} /></main>}>
        <Routes>
          <Route index element={<Home />} />
          <Route path="bills" element={<Bills />} />
          <Route path="bills/:transfer" element={<Bill />} />
          <Route path="charts" element={<Charts />} />
          <Route path="loans" element={<Loans />} />
          <Route path="loans/apply/:product" element={<Product />} />
          <Route path="loans/applications/:application" element={<Application />} />
          <Route path="loans/:loan" element={<Loan />} />
          <Route path="messages" element={<Messages />} />
          <Route path="pay" element={<Pay />} />
          <Route path="privacy" element={<Privacy />} />
          <Route path="receive" element={<Receive />} />
          <Route path="split" element={<Split />} />
          <Route path="scan" element={<Scan />} />
          <Route path="security" element={<Security />} />
          <Route path="report-loss" element={<ReportLoss />} />
          <Route path="settings" element={<Settings />} />
          <Route path="mine" element={<Mine />} />
          <Route path="*" element={<NotFound />} />
        </Routes>
      </Suspense>
    </Frame>
  );
}

/** The customer's app. */
export function App() {
  return (
    <PrefsProvider>
      <Safety>
        <SessionProvider>
          <BrowserRouter basename="/app">
            <Pages />
          </BrowserRouter>
        </SessionProvider>
      </Safety>
    </PrefsProvider>
  );
}
