// SPDX-License-Identifier: Apache-2.0
/** What somebody is writing, beside what the server has: faults at their place, two people at once, nothing lost. Pure, but for the
 * drafts that the tab keeps. */
import { at, isKept, kKept, kKeys, withValue, type Definition, type Kind } from "./definitions";

export interface Stored {
  name: string;
  origin: string; // "file": declared, read-only here
  version: number;
  definition: Definition;
  changed_by?: string | null;
  changed_at?: string | null;
}

export interface FieldFault {
  path: string; // "" = of the whole
  line?: number;
  column?: number;
  text: string;
}
/** The server's words by the keys that they name. */
export function faultsIn(error: string): FieldFault[] {
  return error.split(/\n|; (?=definition[.:])/).filter(Boolean).map((each) => {
    const found = /^definition(?:\.([^:\s]+))?: (?:line (\d+), column (\d+): )?(.*)$/s.exec(each.trim());
    if (!found) return { path: "", text: each.trim() };
    const place = found[2] ? { line: Number(found[2]), column: Number(found[3]) } : {};
    return { path: (found[1] ?? "").replace(/\[\d+\]/g, ""), ...place, text: found[4] };
  });
}
/** The faults of one key, or of what lies below it. */
export const faultsAt = (faults: FieldFault[], path: string, others: string[] = []): FieldFault[] =>
  faults.filter((fault) => fault.path === path || (fault.path.startsWith(`${path}.`) && !others.includes(fault.path)));

const isMapping = (value: unknown): value is Definition => typeof value === "object" && value !== null && !Array.isArray(value) && !isKept(value);
/** Every leaf by its path; lists are leaves. A query's or label's name may hold a point, so paths are lists. */
function leaves(value: unknown, path: string[] = []): [string[], unknown][] {
  return isMapping(value) ? Object.entries(value).flatMap(([name, each]) => leaves(each, [...path, name])) : [[path, value]];
}
const flat = (definition: Definition) => new Map(leaves(definition).map(([path, value]) => [JSON.stringify(path), JSON.stringify(value)]));

export interface Difference {
  path: string;
  mine: unknown;
  theirs: unknown;
}
/** What two definitions say differently. */
export function differences(mine: Definition, theirs: Definition): Difference[] {
  const [a, b] = [flat(mine), flat(theirs)];
  const read = (text: string | undefined) => (text === undefined ? undefined : (JSON.parse(text) as unknown));
  return [...new Set([...a.keys(), ...b.keys()])].filter((key) => a.get(key) !== b.get(key))
    .map((key) => ({ path: (JSON.parse(key) as string[]).join("."), mine: read(a.get(key)), theirs: read(b.get(key)) }));
}
export const differs = (a: Definition, b: Definition): boolean => differences(a, b).length > 0;

function placed(definition: Definition, path: string[], value: unknown): Definition {
  const [name, ...rest] = path;
  const next = rest.length ? placed(isMapping(definition[name]) ? (definition[name] as Definition) : {}, rest, value) : value;
  const { [name]: _, ...others } = definition;
  return next === undefined || (isMapping(next) && !Object.keys(next).length) ? others : { ...definition, [name]: next };
}
/** `theirs` with what I changed since `base` on top. */
export function merged(base: Definition, mine: Definition, theirs: Definition): Definition {
  const [before, after] = [flat(base), flat(mine)];
  return [...new Set([...before.keys(), ...after.keys()])].filter((key) => before.get(key) !== after.get(key)).reduce((all, key) => {
    const value = after.get(key);
    return placed(all, JSON.parse(key) as string[], value === undefined ? undefined : JSON.parse(value));
  }, theirs);
}

export interface Draft {
  name: string;
  definition: Definition;
  base?: Stored; // what was changed
}
const place = (kind: Kind, name: string | undefined) => `gpuscale.draft.${kind}.${name ?? ""}`;

/** A draft without the secrets that were typed: they are not to lie about. */
export function withoutSecrets(kind: Kind, draft: Draft): Draft {
  const secret = kKeys[kind].filter((key) => key.control === "secret" || key.discreet).map((key) => key.path);
  const kept = leaves(draft.base?.definition ?? {}).filter(([, value]) => isKept(value)).map(([path]) => path.join("."));
  const definition = [...new Set([...secret, ...kept])].reduce((all, path) =>
    (at(all, path) === undefined || isKept(at(all, path)) ? all : withValue(all, path, kept.includes(path) ? kKept : undefined)), draft.definition);
  return { ...draft, definition };
}
/** Kept in this tab over a sign-out, a reload and a look at another page. */
export function keepDraft(kind: Kind, name: string | undefined, draft: Draft | undefined): void {
  try {
    if (draft) sessionStorage.setItem(place(kind, name), JSON.stringify(withoutSecrets(kind, draft)));
    else sessionStorage.removeItem(place(kind, name));
  } catch {
    // A browser that keeps nothing still edits.
  }
}
export function keptDraft(kind: Kind, name: string | undefined): Draft | undefined {
  try {
    const text = sessionStorage.getItem(place(kind, name));
    return text ? (JSON.parse(text) as Draft) : undefined;
  } catch {
    return undefined;
  }
}
