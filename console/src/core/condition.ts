// SPDX-License-Identifier: Apache-2.0
/** What a condition would have said over a stretch of the past. Mirrors src/alert/evaluate.h: three values (yes, no, nothing
 * known), several series, numbers calculated from what was measured. Pure. */
import type { Calculation, Test, Tree } from "./condition_text";
import type { Curve } from "./influx";

export type Curves = Record<string, Curve[]>;
/** Of the rule's pool; one that is missing is absent, not 0. */
export type Facts = Record<string, number>;

export function reduce(reducer: string, values: (number | null)[], times: number[] = [], percent = 0): number | null {
  if (reducer === "count") return values.length ? values.length : null;
  const known: number[] = [];
  const seen: number[] = [];
  values.forEach((value, i) => {
    if (value === null) return;
    known.push(value);
    seen.push(times[i]);
  });
  if (!known.length) return null;
  const sum = known.reduce((a, b) => a + b, 0);
  const mean = sum / known.length;
  const ranked = (share: number) => {
    const sorted = [...known].sort((a, b) => a - b);
    const rank = share * (sorted.length - 1);
    const below = Math.floor(rank);
    const above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (sorted[above] - sorted[below]) * (rank - below);
  };
  const first = known[0];
  const last = known[known.length - 1];
  switch (reducer) {
    case "avg": return mean;
    case "sum": return sum;
    case "min": return known.reduce((a, b) => Math.min(a, b));
    case "max": return known.reduce((a, b) => Math.max(a, b));
    case "first": return first;
    case "last": return last;
    case "median": return ranked(0.5);
    case "percentile": return ranked(percent / 100);
    case "diff": return last - first;
    case "percent_diff": return first === 0 ? null : ((last - first) / Math.abs(first)) * 100;
    case "count_non_null": return known.length;
    case "stddev": return known.length < 2 ? null : Math.sqrt(known.reduce((all, value) => all + (value - mean) ** 2, 0) / (known.length - 1));
    case "slope": {
      const middle = seen.reduce((a, b) => a + b, 0) / seen.length;
      const spread = seen.reduce((all, time) => all + (time - middle) ** 2, 0);
      return spread === 0 ? null : known.reduce((all, value, i) => all + (seen[i] - middle) * (value - mean), 0) / spread;
    }
    default: return null;
  }
}

function lowerBound(times: number[], time: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

interface Element {
  key: string; // "" for what belongs to no series
  tags: Record<string, string>;
  value: number | null;
}
const keyOf = (tags: Record<string, string>) => Object.keys(tags).sort().map((name) => `${name}\u0001${tags[name]}`).join("\u0002");

function calculate(sign: "+" | "-" | "*" | "/", a: number | null, b: number | null): number | null {
  if (a === null || b === null) return null;
  switch (sign) {
    case "+": return a + b;
    case "-": return a - b;
    case "*": return a * b;
    case "/": return b === 0 ? null : a / b;
  }
}

/** Every pair that belongs together: those with the same tags, and one of a single series with all. */
function paired(left: Element[], right: Element[]): [Element, Element][] {
  if (left.length === 1 || right.length === 1) return left.flatMap((a) => right.map((b): [Element, Element] => [a, b]));
  const others = new Map(right.map((b) => [b.key, b]));
  return left.flatMap((a): [Element, Element][] => {
    const b = others.get(a.key);
    return b ? [[a, b]] : [];
  });
}

/** A calculation's numbers at `now` (seconds), one a series. */
export function numbers(part: Calculation, curves: Curves, facts: Facts, now: number): Element[] {
  switch (part.kind) {
    case "literal": return [{ key: "", tags: {}, value: part.value }];
    case "fact": return [{ key: "", tags: {}, value: facts[part.name] ?? null }];
    case "negate": return numbers(part.of, curves, facts, now).map((each) => ({ ...each, value: each.value === null ? null : -each.value }));
    case "reduction": {
      const to = now - part.delay;
      return (curves[part.ref] ?? []).map((curve) => {
        const from = lowerBound(curve.times, to - part.window);
        const end = lowerBound(curve.times, to + 1e-9);
        return { key: keyOf(curve.tags), tags: curve.tags, value: reduce(part.reducer, curve.values.slice(from, end), curve.times.slice(from, end), part.percent) };
      });
    }
    default: {
      const { kind } = part;
      return paired(numbers(part.left, curves, facts, now), numbers(part.right, curves, facts, now))
        .map(([a, b]) => ({ ...(a.key === "" ? b : a), value: calculate(kind, a.value, b.value) }));
    }
  }
}

function passes(test: Test, value: number, low: number, high: number): boolean {
  switch (test.relation) {
    case ">": return value > low;
    case ">=": return value >= low;
    case "<": return value < low;
    case "<=": return value <= low;
    case "==": return value === low;
    case "!=": return value !== low;
    case "inside": return value > Math.min(low, high) && value < Math.max(low, high);
    case "outside": return value < Math.min(low, high) || value > Math.max(low, high);
    case "absent": return false;
  }
}

function tested(test: Test, curves: Curves, facts: Facts, now: number): boolean | null {
  const left = numbers(test.left, curves, facts, now);
  if (test.relation === "absent") return !left.length || left.some((each) => each.value === null);
  const [low, high] = test.right.map((each) => numbers(each, curves, facts, now));
  let seen = false;
  for (const [value, first] of paired(left, low)) {
    // With several numbers as a range's other bound the first counts for all.
    const second = high ? (high[0]?.value ?? null) : first.value;
    if (value.value === null || first.value === null || second === null) continue;
    seen = true;
    if (passes(test, value.value, first.value, second)) return true;
  }
  return seen ? false : null;
}

/** Whether the condition held at `now`; null = nothing is known. Any series that passes is enough, as in the engine. */
export function holds(tree: Tree, curves: Curves, now: number, facts: Facts = {}): boolean | null {
  if (tree.kind === "test") return tested(tree, curves, facts, now);
  if (tree.kind === "not") {
    const inner = holds(tree.of, curves, now, facts);
    return inner === null ? null : !inner;
  }
  const said = tree.operands.map((operand) => holds(operand, curves, now, facts));
  if (tree.kind === "or") return said.includes(true) ? true : said.includes(null) ? null : false;
  return said.includes(false) ? false : said.includes(null) ? null : true;
}

/** What a calculation would have been, as curves: the numbers that a threshold is compared with. */
export function calculatedCurves(said: string, part: Calculation, curves: Curves, facts: Facts, from: number, to: number, every: number): Curve[] {
  const found = new Map<string, Curve>();
  for (let now = from; now <= to; now += every) {
    for (const { key, tags, value } of numbers(part, curves, facts, now)) {
      let curve = found.get(key);
      if (!curve) found.set(key, (curve = { label: [said, ...Object.values(tags)].join(" · "), tags, times: [], values: [] }));
      curve.times.push(now);
      curve.values.push(value);
    }
  }
  return [...found.values()];
}

export interface Judge {
  tree: Tree;
  recover?: Tree | null; // a firing rule ends only where this holds
  holdFor: number; // seconds
  keepFor?: number;
  facts?: Facts;
}
export interface Preview {
  fired: [number, number][]; // stretches during which the rule would have been firing, in seconds
  looked: number;
  blind: number; // looks without data
}

/** What the rule would have done, looking every `every` seconds; while there is no data the state stays as it is. */
export function preview(judge: Judge, curves: Curves, from: number, to: number, every: number): Preview {
  const out: Preview = { fired: [], looked: 0, blind: 0 };
  let since: number | null = null;
  let calm: number | null = null;
  let firing = false;
  for (let now = from; now <= to; now += every) {
    const verdict = holds(judge.tree, curves, now, judge.facts);
    out.looked += 1;
    if (verdict === null) {
      out.blind += 1;
      since = null;
      if (calm !== null) calm = now;
    } else if (verdict) {
      since ??= now;
      calm = null;
      if (!firing && now - since >= judge.holdFor) {
        firing = true;
        out.fired.push([now, now]);
      }
    } else {
      since = null;
      // Between two thresholds, what fires goes on firing.
      if (firing && (!judge.recover || holds(judge.recover, curves, now, judge.facts) === true)) {
        calm ??= now;
        firing = now - calm < (judge.keepFor ?? 0);
        if (!firing) calm = null;
      }
    }
    if (firing) out.fired[out.fired.length - 1][1] = now;
  }
  return out;
}
