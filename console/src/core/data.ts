// SPDX-License-Identifier: Apache-2.0
/** Values that follow the server: asked for again when it has news and, for what no event tells, at a slow pace. Never while
 * the page is hidden, never twice at once. What was seen last stays when a call fails. */
import { useCallback, useEffect, useRef, useState } from "react";
import { ApiError } from "./api";
import { live } from "./live";

export interface Followed<T> {
  value: T | undefined;
  error: ApiError | undefined;
  at: number; // when `value` came, ms
  again: () => void;
}

/** Events come in flocks. */
const kGather = 400;

/** @param every ms between calls by themselves; 0 = only when there is news
 *  @param onNews whether the ledger's entries make it ask again */
export function useFollowed<T>(ask: (signal: AbortSignal) => Promise<T>, deps: unknown[], every = 0, onNews = true): Followed<T> {
  const [state, setState] = useState<Omit<Followed<T>, "again">>({ value: undefined, error: undefined, at: 0 });
  const latest = useRef(ask);
  latest.current = ask;
  const askAgain = useRef(() => {});
  const key = JSON.stringify(deps);

  useEffect(() => {
    const abort = new AbortController();
    let busy = false;
    let due = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let gather: ReturnType<typeof setTimeout> | undefined;
    const run = async () => {
      if (busy || document.hidden) {
        due = true;
        return;
      }
      busy = true;
      due = false;
      clearTimeout(timer);
      try {
        const value = await latest.current(abort.signal);
        if (!abort.signal.aborted) setState({ value, error: undefined, at: Date.now() });
      } catch (cause) {
        if (abort.signal.aborted) return;
        const error = cause instanceof ApiError ? cause : new ApiError(-1, String(cause));
        setState((before) => ({ ...before, error }));
      }
      busy = false;
      if (abort.signal.aborted) return;
      if (due) void run();
      else if (every > 0) timer = setTimeout(run, every);
    };
    askAgain.current = () => void run();
    const news = () => {
      clearTimeout(gather);
      gather = setTimeout(run, kGather);
    };
    const shown = () => {
      if (!document.hidden && (due || every > 0)) void run();
    };
    let seen = live.snapshot();
    const unsubscribe = onNews
      ? live.subscribe(() => {
          const now = live.snapshot();
          if (now.news !== seen.news || (now.connected && !seen.connected)) news();
          seen = now;
        })
      : undefined;
    document.addEventListener("visibilitychange", shown);
    void run();
    return () => {
      abort.abort();
      clearTimeout(timer);
      clearTimeout(gather);
      unsubscribe?.();
      document.removeEventListener("visibilitychange", shown);
    };
  }, [key, every, onNews]);

  return { ...state, again: useCallback(() => askAgain.current(), []) };
}
