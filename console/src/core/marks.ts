// SPDX-License-Identifier: Apache-2.0
/** From the ledger and the rules to what a chart shows of them. */
import { lines, parse } from "./condition_text";
import type { Entry, Rule } from "./types";
import type { Mark, Threshold } from "../parts/chart";
import type { Text } from "../i18n";

export function marksOf(entries: Entry[], t: Text, pool = ""): Mark[] {
  return entries.flatMap((entry): Mark[] => {
    if (pool && entry.pool !== pool) return [];
    const time = Date.parse(entry.at) / 1000;
    if (entry.kind === "node.lost") return [{ time, kind: "bad", label: entry.subject }];
    const { from, to } = (entry.details ?? {}) as { from?: unknown; to?: unknown };
    if (entry.kind !== "pool.desired" || typeof from !== "number" || typeof to !== "number" || from === to) return [];
    return [{ time, kind: to > from ? "out" : "in", label: t(to > from ? "overview.mark.out" : "overview.mark.in", { to }) }];
  });
}

/** The thresholds of the rules that look at `field` of `measurement`. */
export function thresholdsOf(rules: Rule[], measurement: string, field: string): Threshold[] {
  return rules.flatMap((rule) =>
    lines(parse(rule.condition)).flatMap(({ measured, relation, threshold }): Threshold[] => {
      if (measured.kind !== "reduction" || measured.reducer.startsWith("count")) return [];
      const text = rule.queries[measured.ref] ?? "";
      const looks = text.includes(field) && new RegExp(`from\\s+"?${measurement}"?(\\s|$)`, "i").test(text) && !/\bcount\s*\(/i.test(text);
      return looks ? [{ value: threshold, label: `${rule.name} ${relation} ${threshold}`, above: relation.startsWith(">") }] : [];
    }),
  );
}
