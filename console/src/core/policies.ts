// SPDX-License-Identifier: Apache-2.0
/** What policies say of themselves, and which of them moved a pool. Pure. */
import type { Entry, Policy } from "./types";

export interface Outlook {
  load: number; // nodes' worth of work
  forecast: number; // nodes wanted before rounding
  missed: number; // percent of the last hour in which more was needed than was forecast
  distrusted: boolean;
}
/** The forecast in lookout's reason; undefined where a policy gives none. */
export function outlookIn(reason: string): Outlook | undefined {
  const found = /^load ([\d.]+) nodes; with headroom for a boot time ([\d.]+) .*; missed ([\d.]+)% of the last hour/.exec(reason);
  return found ? { load: Number(found[1]), forecast: Number(found[2]), missed: Number(found[3]), distrusted: reason.includes("the forecast is bad") } : undefined;
}

/** Of a pool's policies that are heard, the one whose wish counts: the largest. Undefined while one that is heard keeps it as it is
 * and none wants more than there is. */
export function decider(policies: Policy[], present: number): Policy | undefined {
  const heard = policies.filter((policy) => !policy.shadow);
  const wishes = heard.filter((policy) => policy.want !== null);
  if (!wishes.length) return undefined;
  const most = wishes.reduce((a, b) => (b.want! > a.want! ? b : a));
  return most.want! > present || wishes.length === heard.length ? most : undefined;
}

/** The changes of size that policies made, newest first. */
export function decidedBy(entries: Entry[], pool: string): { entry: Entry; policy: string }[] {
  return entries.flatMap((entry) => {
    const policy = entry.kind === "pool.desired" && entry.pool === pool ? /^policy ([\w.-]+)/.exec(String(entry.details?.source ?? entry.summary))?.[1] : undefined;
    return policy ? [{ entry, policy }] : [];
  }).reverse();
}
