// SPDX-License-Identifier: Apache-2.0
/** What the server says by itself: the ledger's new entries by server-sent events. Reconnects, resuming after the last
 * entry seen, and knows since when nothing has been heard. */
import { useEffect, useState, useSyncExternalStore } from "react";
import { consoleHeaders, tellSignedOut } from "./api";
import { kKinds, kWords, type Kind } from "./definitions";
import type { Entry } from "./types";

/** The server sends a heartbeat every 15 s. */
const kSilent = 40_000;

export interface LiveState {
  connected: boolean;
  heard: number; // when anything was last heard, ms; 0 = never
  news: number; // counts the entries that have come
}

export interface Change {
  kind: Kind;
  name: string;
  action: string; // "makes", "changes", "deletes"
  version?: number;
}
/** What somebody has declared anew, where an entry tells that. */
export function changeOf({ kind, details }: Pick<Entry, "kind" | "details">): Change | undefined {
  const of = (details ?? {}) as { kind?: unknown; name?: unknown; action?: unknown; version?: unknown };
  const found = [...kKinds, "dashboards" as const].find((each) => kWords[each] === of.kind);
  if (kind !== "config.changed" || !found || typeof of.name !== "string") return undefined;
  return { kind: found, name: of.name, action: String(of.action ?? ""), version: typeof of.version === "number" ? of.version : undefined };
}

/** Splits a stream of server-sent events, however it is cut, into their data. */
export class EventParser {
  private rest = "";
  push(piece: string): { id: string; data: string }[] {
    this.rest += piece.replaceAll("\r\n", "\n");
    const blocks = this.rest.split("\n\n");
    this.rest = blocks.pop()!;
    return blocks.flatMap((block) => {
      let id = "";
      const data: string[] = [];
      for (const line of block.split("\n")) {
        if (line.startsWith("id:")) id = line.slice(3).trim();
        if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
      }
      return data.length ? [{ id, data: data.join("\n") }] : [];
    });
  }
}

export class Live {
  private state: LiveState = { connected: false, heard: 0, news: 0 };
  private lastId = "";
  private stopped = false;
  private attempt = 0;
  private abort?: AbortController;
  private readonly listeners = new Set<() => void>();
  private readonly readers = new Set<(entries: Entry[]) => void>();

  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };
  snapshot = () => this.state;
  /** Told of each flock of new entries. @return how to stop listening */
  onEntries(listener: (entries: Entry[]) => void): () => void {
    this.readers.add(listener);
    return () => void this.readers.delete(listener);
  }

  start() {
    this.stopped = false;
    void this.run();
  }
  stop() {
    this.stopped = true;
    this.abort?.abort();
    this.change({ connected: false });
  }

  private change(part: Partial<LiveState>) {
    this.state = { ...this.state, ...part };
    this.listeners.forEach((listener) => listener());
  }

  private async run() {
    while (!this.stopped) {
      try {
        await this.listen();
      } catch {
        // Whatever cut the stream, the mend is the same: connect again.
      }
      this.change({ connected: false });
      // A crowd of consoles must not come back all at once.
      const wait = Math.min(10_000, 500 * 2 ** this.attempt) * (0.5 + Math.random() / 2);
      this.attempt += 1;
      await new Promise((done) => setTimeout(done, wait));
    }
  }

  private async listen() {
    const abort = (this.abort = new AbortController());
    const response = await fetch("/api/v1/events", {
      signal: abort.signal,
      credentials: "same-origin",
      headers: { ...consoleHeaders, ...(this.lastId ? { "Last-Event-ID": this.lastId } : {}) },
    });
    if (response.status === 401) tellSignedOut();
    if (!response.ok || !response.body) throw new Error(String(response.status));
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    const parser = new EventParser();
    this.attempt = 0;
    this.change({ connected: true, heard: Date.now() });
    for (;;) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const silence = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(new Error("silent")), kSilent)));
      try {
        const { done, value } = await Promise.race([reader.read(), silence]);
        if (done) return;
        this.take(parser.push(decoder.decode(value, { stream: true })));
      } catch (cause) {
        abort.abort();
        throw cause;
      } finally {
        clearTimeout(timer);
      }
    }
  }

  private take(events: { id: string; data: string }[]) {
    const fresh: Entry[] = [];
    for (const event of events) {
      if (event.id) this.lastId = event.id;
      try {
        fresh.push(JSON.parse(event.data) as Entry);
      } catch {
        // A line that is no entry tells nothing that the next look would not.
      }
    }
    if (fresh.length) this.readers.forEach((reader) => reader(fresh));
    this.change({ heard: Date.now(), news: this.state.news + fresh.length });
  }
}

export const live = new Live();
export const useLive = () => useSyncExternalStore(live.subscribe, live.snapshot);

/** The time, moving on every `every` ms while the page is looked at. */
export function useNow(every = 1000): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => document.hidden || setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}
