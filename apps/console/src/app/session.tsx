import { createContext, useContext } from "react";
import type { Schema } from "@/app/api";

export type StaffSession = Schema["StaffSessionView"];

interface SessionState {
  session: StaffSession;
  /** Called when the API says that the session is over, and on signing out. */
  end: () => void;
}

export const SessionContext = createContext<SessionState | null>(null);

export function useSession(): SessionState {
  const state = useContext(SessionContext);
  if (state === null) throw new Error("nobody is signed in here");
  return state;
}

/** Returns whether the member may do something, by the permissions of now. */
export function usePermits(): (permission: string) => boolean {
  const { session } = useSession();
  return (permission) => session.permissions.includes(permission);
}
