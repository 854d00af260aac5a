// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { holds, parse, preview, reduce, roundTo, seconds, terms, withThreshold } from "./condition";
import type { Curve } from "./influx";

const curve = (values: (number | null)[], step = 10): Curve => ({ label: "C", tags: {}, times: values.map((_, i) => i * step), values });

describe("a condition's text", () => {
  it("is read into terms with their thresholds' places", () => {
    const text = "avg(C, 1m) > 45 and max(Q, 30s, 5s) <= 2.5";
    const list = terms(parse(text));
    expect(list.map((term) => [term.reducer, term.ref, term.window, term.delay, term.test, term.threshold])).toEqual([["avg", "C", 60, 0, ">", 45], ["max", "Q", 30, 5, "<=", 2.5]]);
    expect(list.map((term) => text.slice(...term.at))).toEqual(["45", "2.5"]);
  });
  it("keeps parentheses, and does not count the case of words", () => {
    expect(parse("(LAST(T, 1m) > 90 OR last(P, 1m) < 3) AND count(C, 1m) >= 2")).toMatchObject({ kind: "and", operands: [{ kind: "or" }, { kind: "term" }] });
  });
  it.each(["avg(C, 1m) outside (20, 80)", "avg(C, 1m) is absent", "avg(C 1m) > 3", "avg(C, 1m) > 45 nonsense", ""])("says nothing of %j", (text) => {
    expect(parse(text)).toBeNull();
  });
  it("gets one number replaced and nothing else", () => {
    expect(withThreshold("avg(C, 1m) > 45 and avg(C, 5m) > 45", 1, 52.5)).toBe("avg(C, 1m) > 45 and avg(C, 5m) > 52.5");
    expect(withThreshold("avg(C, 1m) is absent", 0, 3)).toBe("avg(C, 1m) is absent");
  });
});

it("durations are read as the server reads them", () => {
  expect([seconds("1m30s"), seconds("500ms"), seconds("2h"), seconds("0s")]).toEqual([90, 0.5, 7200, 0]);
  expect(seconds("soon")).toBeNaN();
});

it("a dragged threshold is round to the eye", () => {
  expect(roundTo(47.3219, 100)).toBe(47);
  expect(roundTo(0.12345, 1)).toBe(0.12);
});

it("reducers leave out what is absent; only count counts it", () => {
  expect(reduce("avg", [10, null, 30])).toBe(20);
  expect(reduce("median", [5, 1, 9, 3])).toBe(4);
  expect(reduce("count", [1, null])).toBe(2);
  expect(reduce("max", [null, null])).toBeNull();
});

describe("a preview", () => {
  const tree = parse("avg(C, 10s) > 45")!;
  it("tells when the rule would have fired", () => {
    const data = { C: [curve([10, 10, 60, 60, 10, 10, 70, 10])] };
    // Each look takes the last ten seconds, both ends included.
    expect(preview(tree, data, 10, 70, 10, 0).fired).toEqual([[30, 30]]);
    expect(preview(parse("last(C, 10s) > 45")!, data, 10, 70, 10, 0).fired).toEqual([[20, 30], [60, 60]]);
  });
  it("waits as long as `for` says", () => {
    const data = { C: [curve([60, 60, 60, 60, 10, 60, 10])] };
    expect(preview(parse("last(C, 10s) > 45")!, data, 10, 60, 10, 20).fired).toEqual([[30, 30]]);
    expect(preview(parse("last(C, 10s) > 45")!, data, 10, 60, 10, 30).fired).toEqual([]);
  });
  it("neither fires nor recovers by absence", () => {
    const data = { C: [curve([60, 60, null, null, null, 60])] };
    const out = preview(tree, data, 10, 50, 10, 0);
    expect(out.fired.length).toBe(1);
    expect(out.blind).toBeGreaterThan(0);
    expect(preview(tree, {}, 0, 50, 10, 0).fired).toEqual([]);
  });
  it("one series of several is enough", () => {
    expect(holds(tree, { C: [curve([10, 10]), curve([60, 60])] }, 10)).toBe(true);
    expect(holds(parse("avg(C, 10s) > 45 and avg(D, 10s) > 0")!, { C: [curve([60, 60])] }, 10)).toBeNull();
  });
});
