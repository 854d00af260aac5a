// SPDX-License-Identifier: Apache-2.0
/** Whether the window is that of a large screen, which is looked at from further away: letters and charts are larger there. */
import { useSyncExternalStore } from "react";

const screen = typeof window === "undefined" ? undefined : window.matchMedia("(min-width: 2200px)");
const subscribe = (listener: () => void) => {
  screen?.addEventListener("change", listener);
  return () => screen?.removeEventListener("change", listener);
};
export const useWide = () => useSyncExternalStore(subscribe, () => screen?.matches ?? false);
