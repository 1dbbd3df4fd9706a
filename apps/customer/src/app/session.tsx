import { ApiError, type components, unwrap } from "@huitong/kit";
import { createContext, type ReactNode, use, useCallback, useEffect, useMemo, useState } from "react";
import { api } from "./api";

export type Customer = components["schemas"]["CustomerView"];

type State =
  | { status: "loading" }
  | { status: "failed"; error: ApiError }
  /** `hasEnded`: somebody was logged in here a moment ago. */
  | { status: "out"; hasEnded: boolean }
  | { status: "in"; customer: Customer };

interface SessionContext {
  state: State;
  /** Asks again who is logged in, as after a log-in. */
  refresh: () => Promise<void>;
  /** Shows the log-in where a page was told that the session is over. */
  end: () => void;
  logOut: () => Promise<void>;
}

const Context = createContext<SessionContext | null>(null);
const DEVICE = "huitong.device";

/** Returns what the API needs to know this browser again. */
export function device(): { token: string | null; name: string } {
  const name = /Android|iPhone|iPad|Windows|Mac OS|Linux/u.exec(navigator.userAgent)?.[0] ?? "Web";
  return { token: localStorage.getItem(DEVICE), name: `${name} · Huitong` };
}

/** Keeps what the API gave this browser to be known again. */
export function keepDevice(token: string | null): void {
  if (token !== null) localStorage.setItem(DEVICE, token);
}

async function findCustomer(): Promise<Customer | null> {
  try {
    const { data } = await unwrap(api.GET("/v1/identity/sessions"));
    const current = data.find((session) => session.is_current);
    if (current === undefined) return null;
    // Whom a login is for: a customer's own id, with another prefix.
    const path = { customer: current.subject.replace(/^sub_/u, "cus_") };
    return await unwrap(api.GET("/v1/customers/{customer}", { params: { path } }));
  } catch (error) {
    if (error instanceof ApiError && (error.isSessionEnded || error.code === "step_up_required"))
      return null;
    throw error;
  }
}

export function SessionProvider({ children }: { children: ReactNode }) {
  const [state, setState] = useState<State>({ status: "loading" });
  const refresh = useCallback(async () => {
    try {
      const customer = await findCustomer();
      setState(
        customer === null ? { status: "out", hasEnded: false } : { status: "in", customer },
      );
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setState({ status: "failed", error });
    }
  }, []);
  const end = useCallback(() => setState({ status: "out", hasEnded: true }), []);
  const logOut = useCallback(async () => {
    await unwrap(api.POST("/v1/identity/log-out", { body: {} }));
    setState({ status: "out", hasEnded: false });
  }, []);
  useEffect(() => {
    // eslint-disable-next-line react-hooks/set-state-in-effect -- it is set after an answer only
    void refresh();
  }, [refresh]);
  const value = useMemo(() => ({ state, refresh, end, logOut }), [state, refresh, end, logOut]);
  return <Context value={value}>{children}</Context>;
}

export function useSession(): SessionContext {
  const found = use(Context);
  if (found === null) throw new Error("there is no SessionProvider");
  return found;
}

/** Returns the customer who is logged in; pages are shown to nobody else. */
export function useCustomer(): Customer {
  const { state } = useSession();
  if (state.status !== "in") throw new Error("nobody is logged in");
  return state.customer;
}
