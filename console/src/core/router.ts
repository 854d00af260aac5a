// SPDX-License-Identifier: Apache-2.0
/** The address as state: a page's path and its parameters. Whoever opens the same address sees the same. */
import { useCallback, useSyncExternalStore, type MouseEvent } from "react";

const listeners = new Set<() => void>();
const tell = () => listeners.forEach((listener) => listener());
if (typeof window !== "undefined") window.addEventListener("popstate", tell);
const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => void listeners.delete(listener);
};

export function go(to: string, replace = false): void {
  if (replace) window.history.replaceState(null, "", to);
  else window.history.pushState(null, "", to);
  tell();
}

export const usePath = () => useSyncExternalStore(subscribe, () => window.location.pathname);
export const useSearch = () => useSyncExternalStore(subscribe, () => window.location.search);

/** One parameter of the address; setting it to its default removes it. */
export function useParam(name: string, otherwise: string): [string, (value: string) => void] {
  const value = new URLSearchParams(useSearch()).get(name) ?? otherwise;
  const set = useCallback(
    (next: string) => {
      const parameters = new URLSearchParams(window.location.search);
      if (next === otherwise) parameters.delete(name);
      else parameters.set(name, next);
      const text = parameters.toString();
      go(window.location.pathname + (text ? `?${text}` : ""), true);
    },
    [name, otherwise],
  );
  return [value, set];
}

/** For the onClick of an <a>: stays in the console unless a new tab was meant. */
export function follow(event: MouseEvent<HTMLAnchorElement>): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(event.currentTarget.getAttribute("href")!);
}

/** "/nodes/a%2Fb" as ["nodes", "a/b"]. */
export function segments(path: string): string[] {
  return path.split("/").filter(Boolean).map((text) => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  });
}
