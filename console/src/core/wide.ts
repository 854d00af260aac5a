// SPDX-License-Identifier: Apache-2.0
/** How large the window is: 0 that of a desk, 1 of a large screen, 2 of one in 4K. The larger, the further away one looks from, and
 * the larger are letters and charts. style.css has the same widths. */
import { useSyncExternalStore } from "react";

export type Wide = 0 | 1 | 2;
const screens = typeof window === "undefined" ? [] : [2200, 3400].map((width) => window.matchMedia(`(min-width: ${width}px)`));
const subscribe = (listener: () => void) => {
  screens.forEach((screen) => screen.addEventListener("change", listener));
  return () => screens.forEach((screen) => screen.removeEventListener("change", listener));
};
export const useWide = () => useSyncExternalStore(subscribe, () => screens.filter((screen) => screen.matches).length as Wide);
