// SPDX-License-Identifier: Apache-2.0
/** Who is signed in, and what they may. */
import { createContext, useContext } from "react";
import type { Session } from "./types";

export const SessionContext = createContext<Session>({ signed_in: false, auth: true });
export const useSession = () => useContext(SessionContext);
export function may(session: Session, scope: "read" | "trigger" | "admin"): boolean {
  return (session.scopes ?? []).some((each) => each === "admin" || each === scope);
}
export const useMay = (scope: "read" | "trigger" | "admin") => may(useSession(), scope);
