// SPDX-License-Identifier: Apache-2.0
/** A rule's condition as the console understands it: its comparisons with one number each, their thresholds (for the line
 * on the chart), and what the condition would have said over a stretch of the past. Mirrors src/alert/condition.h; what it
 * does not understand it leaves alone. */
import type { Curve } from "./influx";

export interface Term {
  reducer: string;
  ref: string;
  window: number; // seconds
  delay: number; // seconds
  test: ">" | ">=" | "<" | "<=" | "==" | "!=";
  threshold: number;
  at: [number, number]; // where the number stands in the text
}
type Tree = { kind: "term"; term: Term } | { kind: "and" | "or"; operands: Tree[] };

const kUnits: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86400, w: 604800 };
/** "1m30s" in seconds; NaN where it is none. */
export function seconds(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  if (!/^(\d+(\.\d+)?(ms|[smhdw]))+$/.test(text)) return NaN;
  return [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdw])/g)].reduce((sum, [, n, unit]) => sum + Number(n) * kUnits[unit], 0);
}

const kTerm =
  /^\s*(avg|min|max|sum|count|last|first|median)\s*\(\s*(\w+)\s*,\s*([\w.]+)\s*(?:,\s*([\w.]+)\s*)?\)\s*(>=|<=|==|!=|>|<)\s*(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)/i;

/** null where the condition has a form that is not drawn (inside, outside, is absent). */
export function parse(text: string): Tree | null {
  let at = 0;
  const skip = () => (at += /^\s*/.exec(text.slice(at))![0].length);
  const word = (name: string) => {
    skip();
    const found = new RegExp(`^${name}\\b`, "i").test(text.slice(at));
    if (found) at += name.length;
    return found;
  };
  const primary = (): Tree | null => {
    skip();
    if (text[at] === "(") {
      at += 1;
      const inner = either();
      skip();
      if (text[at] !== ")") return null;
      at += 1;
      return inner;
    }
    const found = kTerm.exec(text.slice(at));
    if (!found) return null;
    const end = at + found[0].length;
    at = end;
    const term: Term = {
      reducer: found[1].toLowerCase(),
      ref: found[2],
      window: seconds(found[3]),
      delay: found[4] ? seconds(found[4]) : 0,
      test: found[5] as Term["test"],
      threshold: Number(found[6]),
      at: [end - found[6].length, end],
    };
    return { kind: "term", term };
  };
  const list = (kind: "and" | "or", operand: () => Tree | null): Tree | null => {
    const operands: Tree[] = [];
    do {
      const next = operand();
      if (!next) return null;
      operands.push(next);
    } while (word(kind));
    return operands.length === 1 ? operands[0] : { kind, operands };
  };
  const both = () => list("and", primary);
  const either = (): Tree | null => list("or", both);
  const tree = either();
  skip();
  return at === text.length ? tree : null;
}

export function terms(tree: Tree | null): Term[] {
  if (!tree) return [];
  return tree.kind === "term" ? [tree.term] : tree.operands.flatMap(terms);
}

/** The text with the number of its `index`th term replaced. */
export function withThreshold(text: string, index: number, threshold: number): string {
  const term = terms(parse(text))[index];
  return term ? text.slice(0, term.at[0]) + String(threshold) + text.slice(term.at[1]) : text;
}

/** Rounded as a hand would: to a hundredth of the axis' span. */
export function roundTo(value: number, span: number): number {
  const step = 10 ** Math.floor(Math.log10(Math.max(span, 1e-9) / 100));
  return Number((Math.round(value / step) * step).toPrecision(12));
}

export function reduce(reducer: string, values: (number | null)[]): number | null {
  const known = values.filter((value): value is number => value !== null);
  if (reducer === "count") return values.length ? values.length : null;
  if (!known.length) return null;
  const sum = known.reduce((a, b) => a + b, 0);
  switch (reducer) {
    case "avg": return sum / known.length;
    case "sum": return sum;
    case "min": return Math.min(...known);
    case "max": return Math.max(...known);
    case "first": return known[0];
    case "last": return known[known.length - 1];
    case "median": {
      const sorted = [...known].sort((a, b) => a - b);
      const middle = sorted.length >> 1;
      return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
    default: return null;
  }
}

function passes(term: Term, value: number): boolean {
  switch (term.test) {
    case ">": return value > term.threshold;
    case ">=": return value >= term.threshold;
    case "<": return value < term.threshold;
    case "<=": return value <= term.threshold;
    case "==": return value === term.threshold;
    case "!=": return value !== term.threshold;
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

/** Whether the condition held at `now`; null = no data. Any series of a query that passes is enough, as in the engine. */
export function holds(tree: Tree, curves: Record<string, Curve[]>, now: number): boolean | null {
  if (tree.kind === "term") {
    const { term } = tree;
    const to = now - term.delay;
    let seen = false;
    for (const curve of curves[term.ref] ?? []) {
      const from = lowerBound(curve.times, to - term.window);
      const value = reduce(term.reducer, curve.values.slice(from, lowerBound(curve.times, to + 1e-9)));
      if (value === null) continue;
      seen = true;
      if (passes(term, value)) return true;
    }
    return seen ? false : null;
  }
  const said = tree.operands.map((operand) => holds(operand, curves, now));
  if (tree.kind === "or") return said.includes(true) ? true : said.includes(null) ? null : false;
  return said.includes(false) ? false : said.includes(null) ? null : true;
}

export interface Preview {
  fired: [number, number][]; // stretches during which the rule would have been firing, in seconds
  looked: number;
  blind: number; // looks without data
}

/** What the rule would have done, looking every `every` seconds; while there is no data the state stays as it is. */
export function preview(tree: Tree, curves: Record<string, Curve[]>, from: number, to: number, every: number, holdFor: number): Preview {
  const out: Preview = { fired: [], looked: 0, blind: 0 };
  let since: number | null = null;
  let firing = false;
  for (let now = from; now <= to; now += every) {
    const verdict = holds(tree, curves, now);
    out.looked += 1;
    if (verdict === null) {
      out.blind += 1;
      if (!firing) since = null;
    } else if (verdict) {
      since ??= now;
      if (!firing && now - since >= holdFor) {
        firing = true;
        out.fired.push([now, now]);
      }
    } else {
      since = null;
      firing = false;
    }
    if (firing) out.fired[out.fired.length - 1][1] = now;
  }
  return out;
}
