// SPDX-License-Identifier: Apache-2.0
/** What policies say of themselves, and which of them moved a pool. Pure. */
import type { Entry, Policy } from "./types";

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
