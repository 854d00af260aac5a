// SPDX-License-Identifier: Apache-2.0
/** One definition being written: read from the server, checked by it while it is typed, saved, and laid beside what somebody else
 * has saved meanwhile. */
import { useCallback, useEffect, useRef, useState } from "react";
import { ApiError, call, get, part } from "./api";
import { fitting, kNew, missing, type Definition, type Kind } from "./definitions";
import { changeOf, live } from "./live";
import { differs, faultsIn, keepDraft, keptDraft, merged, type FieldFault, type Stored } from "./editing";

/** The server is asked once typing rests for so long, ms. */
const kRest = 500;

interface State {
  name: string;
  definition: Definition;
  base?: Stored; // what was changed; absent: a new one
  theirs?: Stored; // what somebody else has saved since
  faults: FieldFault[];
  check: "" | "asking" | "good" | "bad" | "away";
  restored: boolean;
  gone: boolean; // it has been deleted since; saving makes it anew
}
export interface Editor extends State {
  kind: Kind;
  ready: boolean;
  error?: ApiError; // the definition could not be read
  busy: boolean;
  changed: boolean;
  complete: boolean; // nothing required is empty
  change: (definition: Definition) => void;
  rename: (name: string) => void;
  save: () => Promise<Record<string, unknown> | undefined>;
  discard: () => void;
  takeTheirs: () => void;
  overlay: () => void;
}

const pathOf = (kind: Kind, name: string) => `/api/v1/${kind}/${part(name)}`;

/** @param name undefined makes a new one, beginning with `initial` and called `firstName` */
export function useEditor(kind: Kind, name: string | undefined, initial: Definition = kNew[kind], active = true, firstName = ""): Editor {
  const slot = name ?? (firstName || undefined); // of the draft
  const fresh = (base?: Stored): State => ({ name: base?.name ?? name ?? firstName, definition: base?.definition ?? initial, base, faults: [], check: "", restored: false, gone: false });
  const [state, setState] = useState<State>(fresh);
  const [ready, setReady] = useState(false);
  const [error, setError] = useState<ApiError>();
  const [busy, setBusy] = useState(false);
  const latest = useRef(state);
  latest.current = state;

  useEffect(() => {
    if (!active) return;
    const abort = new AbortController();
    setReady(false);
    setError(undefined);
    const begin = (stored?: Stored) => {
      const draft = keptDraft(kind, slot);
      const now = fresh(stored);
      const moved = draft?.base && stored && draft.base.version !== stored.version;
      setState(draft ? { ...now, name: draft.name, definition: draft.definition, base: draft.base ?? now.base, theirs: moved ? stored : undefined, restored: true } : now);
      setReady(true);
    };
    if (name === undefined) begin();
    else get<Stored>(`${pathOf(kind, name)}/definition`, abort.signal).then(begin, (cause) => abort.signal.aborted || setError(cause as ApiError));
    return () => abort.abort();
    // Another thing to edit begins anew; its first content does not change while it is edited.
    // eslint-disable-next-line
  }, [kind, name, active]);

  const { definition, base } = state;
  const changed = name === undefined ? state.name !== firstName || differs(definition, initial) : state.gone || (!!base && differs(definition, base.definition));
  const whole = (now: State): Definition => ({ ...(now.base || kind === "dashboards" ? {} : { name: now.name }), ...fitting(kind, now.definition) });
  const complete = state.name !== "" && !missing(kind, definition).length;

  const change = useCallback((next: Definition) => setState((before) => ({ ...before, definition: next })), []);
  const rename = useCallback((next: string) => setState((before) => ({ ...before, name: next })), []);
  useEffect(() => {
    if (ready) keepDraft(kind, slot, changed ? { name: state.name, definition, base } : undefined);
  }, [ready, changed, kind, slot, state.name, definition, base]);

  const refused = async (cause: unknown) => {
    const fault = cause as ApiError;
    const now = latest.current;
    if (fault.unanswered) {
      setState((before) => ({ ...before, faults: [], check: "away" }));
      return;
    }
    if ((fault.status === 409 && fault.code === "conflict") || (fault.status === 404 && now.base)) {
      const theirs = await get<Stored>(`${pathOf(kind, now.name)}/definition`).catch(() => undefined);
      if (now.base && theirs) setState((before) => ({ ...before, theirs, faults: [], check: "" }));
      else if (now.base) setState((before) => ({ ...before, base: undefined, gone: true, faults: [], check: "" }));
      else setState((before) => ({ ...before, faults: [{ path: "name", text: fault.message }], check: "bad" }));
      return;
    }
    setState((before) => ({ ...before, faults: faultsIn(fault.message), check: "bad" }));
  };

  // Whoever else saves it is told of by the stream of events, before anything is saved here.
  const saving = useRef(false);
  useEffect(() => {
    if (!ready || name === undefined) return;
    const abort = new AbortController();
    const unsubscribe = live.onEntries(async (entries) => {
      const told = entries.map((entry) => changeOf(entry)).filter((each) => each?.kind === kind && each.name === name).pop();
      if (!told || saving.current || told.version === latest.current.base?.version) return;
      if (told.action === "deletes") {
        setState((before) => ({ ...before, base: undefined, theirs: undefined, gone: true }));
        return;
      }
      const stored = await get<Stored>(`${pathOf(kind, name)}/definition`, abort.signal).catch(() => undefined);
      if (abort.signal.aborted || !stored || saving.current) return;
      setState((before) => {
        if (before.base && stored.version <= before.base.version) return before;
        const mine = !!before.base && differs(before.definition, before.base.definition);
        return mine || before.gone ? { ...before, theirs: stored, base: before.base ?? stored, gone: false } : fresh(stored);
      });
    });
    return () => {
      abort.abort();
      unsubscribe();
    };
    // eslint-disable-next-line
  }, [ready, kind, name]);

  // What is typed is checked by who decides.
  useEffect(() => {
    if (!ready || !changed || !complete || state.theirs) {
      setState((before) => (before.check === "" && !before.faults.length ? before : { ...before, check: "", faults: [] }));
      return;
    }
    const abort = new AbortController();
    const timer = setTimeout(async () => {
      setState((before) => ({ ...before, check: "asking" }));
      try {
        await call("PUT", `${pathOf(kind, state.name)}?dry_run=true`, { definition: whole(latest.current), version: base?.version ?? 0 }, abort.signal);
        if (!abort.signal.aborted) setState((before) => ({ ...before, check: "good", faults: [] }));
      } catch (cause) {
        if (!abort.signal.aborted) await refused(cause);
      }
    }, kRest);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
    // eslint-disable-next-line
  }, [ready, changed, complete, state.name, definition, base, state.theirs]);

  const save = async () => {
    setBusy(true);
    saving.current = true;
    const now = latest.current;
    try {
      const answer = await call<Record<string, unknown>>("PUT", pathOf(kind, now.name), { definition: whole(now), version: now.base?.version ?? 0 });
      keepDraft(kind, slot, undefined);
      const { url, ...stored } = answer as unknown as Stored & { url?: string };
      if (name !== undefined) setState(fresh(stored));
      return url === undefined ? answer : { ...answer, url };
    } catch (cause) {
      await refused(cause);
      return undefined;
    } finally {
      saving.current = false;
      setBusy(false);
    }
  };
  const discard = () => {
    keepDraft(kind, slot, undefined);
    setState(fresh(latest.current.theirs ?? latest.current.base));
  };
  const takeTheirs = discard;
  const overlay = () => setState((before) => (before.theirs
    ? { ...before, definition: merged(before.base?.definition ?? {}, before.definition, before.theirs.definition), base: before.theirs, theirs: undefined } : before));
  return { ...state, kind, ready, error, busy, changed, complete, change, rename, save, discard, takeTheirs, overlay };
}

/** Takes a thing away. Errors: what still refers to it. */
export const remove = (kind: Kind, name: string, version: number) => call("DELETE", `${pathOf(kind, name)}?version=${version}`);
