// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { calculatedCurves, holds, preview, reduce, type Judge } from "./condition";
import { lines, parse, read, roundTo, seconds, withThreshold } from "./condition_text";
import type { Curve } from "./influx";

const curve = (values: (number | null)[], tags: Record<string, string> = {}, step = 10): Curve => ({ label: "C", tags, times: values.map((_, i) => i * step), values });
const rule = (text: string, rest: Partial<Judge> = {}): Judge => ({ tree: parse(text)!, holdFor: 0, ...rest });

describe("a condition's text", () => {
  it("is read into what is compared, with its thresholds' places", () => {
    const text = "avg(C, 1m) > 45 and max(Q, 30s, 5s) <= 2.5";
    const list = lines(parse(text));
    expect(list.map((line) => [line.said, line.relation, line.threshold])).toEqual([["avg(C, 1m)", ">", 45], ["max(Q, 30s, 5s)", "<=", 2.5]]);
    expect(list.map((line) => text.slice(...line.at))).toEqual(["45", "2.5"]);
    expect(list[1].measured).toEqual({ kind: "reduction", reducer: "max", ref: "Q", percent: 0, window: 30, delay: 5 });
  });
  it("binds and stronger than or, and does not count the case of words", () => {
    expect(parse("LAST(T, 1m) > 90 OR last(P, 1m) < 3 AND count(C, 1m) >= 2")).toMatchObject({ kind: "or", operands: [{ kind: "test" }, { kind: "and" }] });
    expect(parse("(last(T, 1m) > 90 or last(P, 1m) < 3) and not count(C, 1m) >= 2")).toMatchObject({ kind: "and", operands: [{ kind: "or" }, { kind: "not" }] });
  });
  it("knows ranges, absence and calculations", () => {
    expect(lines(parse("avg(C, 1m) outside (20, -80.5)")).map((line) => line.threshold)).toEqual([20, -80.5]);
    expect(parse("last(T, 1m) is absent")).toMatchObject({ relation: "absent" });
    expect(parse("last(T, 1m) has no value")).toMatchObject({ relation: "absent" });
    expect(lines(parse("last(Q, 10s) / ready_nodes > 4 and slope(Q, 30s) >= 0")).map((line) => line.said)).toEqual(["last(Q, 10s) / ready_nodes", "slope(Q, 30s)"]);
    expect(lines(parse("45 < avg(C, 1m)"))).toMatchObject([{ relation: ">", threshold: 45 }]);
    expect(parse("percentile(L, 99, 1m) above 2 * avg(L, 5m)")).toMatchObject({ left: { percent: 99 }, right: [{ kind: "*" }] });
  });
  it.each([
    ["avg(C 1m) > 3", 1, 7, '"1m"'], ["avg(C, 1m) > 45 nonsense", 1, 17, '"and", "or" or the end'], ["", 1, 1, "the end"], ["avg(C, 1m)", 1, 11, "the end"],
    ["avg(C, 1m)\n and 3 > 2", 1, 1, "takes conditions"], ["avg(C, 1m) > (3 > 2)", 1, 14, "takes numbers"], ["mean(C, 1m) > 3", 1, 1, "one of avg"], ["avg(C, 0s) > 3", 1, 8, "longer than 0"],
    ["avg(C, 1m)\n  / 0 > 3", 2, 5, "division by zero"], ["(".repeat(40), 1, 33, "no deeper brackets"], ["avg(C, 1m) > 3 §", 1, 16, "§"],
  ])("names what is wrong in %j by its place", (text, line, column, words) => {
    const { fault } = read(text);
    expect(fault).toMatchObject({ line, column });
    expect(fault!.text).toContain(words);
  });
  it("gets one number replaced and nothing else", () => {
    expect(withThreshold("avg(C, 1m) > 45 and avg(C, 5m) > 45", 1, 52.5)).toBe("avg(C, 1m) > 45 and avg(C, 5m) > 52.5");
    expect(withThreshold("avg(C, 1m) inside (-5, 20)", 0, 3)).toBe("avg(C, 1m) inside (3, 20)");
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
  expect([reduce("count", [1, null]), reduce("count_non_null", [1, null])]).toEqual([2, 1]);
  expect(reduce("max", [null, null])).toBeNull();
  expect([reduce("diff", [4, 9]), reduce("percent_diff", [4, 9]), reduce("percent_diff", [0, 9])]).toEqual([5, 125, null]);
  expect(reduce("percentile", [1, 2, 3, 4, 5], [], 75)).toBe(4);
  expect(reduce("slope", [1, 3, 5], [0, 10, 20])).toBeCloseTo(0.2);
  expect([reduce("stddev", [2, 4]), reduce("stddev", [2])]).toEqual([Math.sqrt(2), null]);
});

describe("a preview", () => {
  it("tells when the rule would have fired", () => {
    const data = { C: [curve([10, 10, 60, 60, 10, 10, 70, 10])] };
    // Each look takes the last ten seconds, both ends included.
    expect(preview(rule("avg(C, 10s) > 45"), data, 10, 70, 10).fired).toEqual([[30, 30]]);
    expect(preview(rule("last(C, 10s) > 45"), data, 10, 70, 10).fired).toEqual([[20, 30], [60, 60]]);
    expect(preview(rule("last(C, 10s) outside (5, 65)"), data, 10, 70, 10).fired).toEqual([[60, 60]]);
    expect(preview(rule("last(C, 10s) inside (65, 50)"), data, 10, 70, 10).fired).toEqual([[20, 30]]);
  });
  it("waits as long as `for` says", () => {
    const data = { C: [curve([60, 60, 60, 60, 10, 60, 10])] };
    expect(preview(rule("last(C, 10s) > 45", { holdFor: 20 }), data, 10, 60, 10).fired).toEqual([[30, 30]]);
    expect(preview(rule("last(C, 10s) > 45", { holdFor: 30 }), data, 10, 60, 10).fired).toEqual([]);
  });
  it("ends only where recover holds, and no sooner than keep_firing_for", () => {
    const data = { C: [curve([60, 60, 40, 40, 10, 40, 60])] };
    expect(preview(rule("last(C, 1s) > 45"), data, 0, 60, 10).fired).toEqual([[0, 10], [60, 60]]);
    expect(preview(rule("last(C, 1s) > 45", { recover: parse("last(C, 1s) < 20") }), data, 0, 60, 10).fired).toEqual([[0, 30], [60, 60]]);
    expect(preview(rule("last(C, 1s) > 45", { keepFor: 20 }), data, 0, 60, 10).fired).toEqual([[0, 30], [60, 60]]);
  });
  it("neither fires nor recovers by absence, and sees absence where it is asked for", () => {
    const data = { C: [curve([60, 60, null, null, null, 60])] };
    const out = preview(rule("avg(C, 10s) > 45"), data, 10, 50, 10);
    expect(out.fired.length).toBe(1);
    expect(out.blind).toBeGreaterThan(0);
    expect(preview(rule("avg(C, 10s) > 45"), {}, 0, 50, 10).fired).toEqual([]);
    expect(preview(rule("last(C, 5s) is absent"), data, 0, 50, 10).fired).toEqual([[20, 40]]);
    expect(holds(parse("last(C, 5s) is absent")!, {}, 0)).toBe(true);
  });
  it("one series of several is enough; and, or and not know of three values", () => {
    const two = { C: [curve([10, 10], { node: "a" }), curve([60, 60], { node: "b" })] };
    expect(holds(parse("avg(C, 10s) > 45")!, two, 10)).toBe(true);
    expect(holds(parse("avg(C, 10s) > 45 and avg(D, 10s) > 0")!, two, 10)).toBeNull();
    expect(holds(parse("avg(C, 10s) > 45 or avg(D, 10s) > 0")!, two, 10)).toBe(true);
    expect(holds(parse("not avg(D, 10s) > 0")!, two, 10)).toBeNull();
  });
  it("calculates series by series, and with facts; a division by zero has no value", () => {
    const data = { Q: [curve([8, 8], { node: "a" }), curve([30, 30], { node: "b" })], L: [curve([2, 2], { node: "b" }), curve([0, 0], { node: "a" })] };
    expect(holds(parse("last(Q, 10s) / last(L, 10s) > 14")!, data, 10)).toBe(true);
    expect(holds(parse("last(Q, 10s) / last(L, 10s) > 16")!, data, 10)).toBe(false);
    expect(holds(parse("last(Q, 10s) / ready_nodes > 14")!, data, 10, { ready_nodes: 2 })).toBe(true);
    expect(holds(parse("last(Q, 10s) / ready_nodes > 14")!, data, 10)).toBeNull();
    const part = lines(parse("last(Q, 10s) / ready_nodes > 4"))[0];
    expect(calculatedCurves(part.said, part.measured, data, { ready_nodes: 2 }, 0, 10, 10)).toMatchObject([{ label: "last(Q, 10s) / ready_nodes · a", values: [4, 4] }, { label: "last(Q, 10s) / ready_nodes · b", values: [15, 15] }]);
  });
});
