// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { merged } from "./curve";
import { aligned, bucketFor, coarsened, curvesOf, inRange, placeBefore, positionIn, ql, toCsv } from "./influx";

describe("an answer of the store", () => {
  const series = [
    { name: "gpu", tags: { node: "a" }, columns: ["time", "mean", "model"], values: [[1000, 1, "x"], [2000, null, "x"]] },
    { name: "gpu", tags: { node: "b" }, columns: ["time", "mean"], values: [[2000, 5]] },
  ];
  it("becomes one curve a numeric column, absence kept", () => {
    const { curves } = curvesOf(series);
    expect(curves.map((curve) => [curve.label, curve.times, curve.values])).toEqual([["a", [1, 2], [1, null]], ["b", [2], [5]]]);
  });
  it("is drawn bounded, and the rest counted", () => {
    const many = Array.from({ length: 10_000 }, (_, i) => ({ ...series[1], tags: { node: `n${i}` } }));
    const { curves, left } = curvesOf(many, 200);
    expect([curves.length, left]).toEqual([200, 9_800]);
  });
  it("has a common axis where the curves have none", () => {
    expect(aligned(curvesOf(series).curves)).toEqual([[1, 2], [1, null], [undefined, 5]]);
  });
  it("goes to a spreadsheet that runs none of its cells", () => {
    const csv = toCsv([{ name: "gpu", tags: { node: '=cmd|"x"' }, columns: ["time", "mean"], values: [[0, -1.5]] }]);
    expect(csv).toBe('name,node,time,mean\r\ngpu,"\'=cmd|""x""",1970-01-01T00:00:00.000Z,-1.5\r\n');
  });
});

it("the tail of a curve replaces what was not final yet and drops what left the range", () => {
  const old = [{ label: "a", tags: {}, times: [1, 2, 3, 4], values: [1, 2, 3, 4] }];
  const tail = [{ label: "a", tags: {}, times: [3, 4, 5], values: [30, 40, 50] }, { label: "b", tags: {}, times: [5], values: [7] }];
  expect(merged(old, tail, 3, 2).map((curve) => [curve.label, curve.times, curve.values])).toEqual([["a", [2, 3, 4, 5], [2, 30, 40, 50]], ["b", [5], [7]]]);
  expect(merged(old, [], 3, 9)).toEqual([]);
});

it("buckets are round and few", () => {
  expect([bucketFor(300), bucketFor(3600), bucketFor(21_600), bucketFor(604_800)]).toEqual([1, 10, 60, 1800]);
});

it("a query's variables are filled in, and an error's place is found in front of that", () => {
  const text = "SELECT mean(x) FROM gpu WHERE $timeFilter GROUP BI time($__interval)";
  const fill = (part: string) => inRange(part, 0, 60_000, 10);
  expect(fill(text)).toBe("SELECT mean(x) FROM gpu WHERE time >= 0ms AND time <= 60000ms GROUP BI time(10s)");
  const at = positionIn("error parsing query: found BI, expected BY at line 1, char 69", fill(text))!;
  expect(fill(text).slice(at, at + 2)).toBe("BI");
  expect(text.slice(placeBefore(text, fill, at)).startsWith("BI")).toBe(true);
  expect(positionIn("no place at all", text)).toBeNull();
  expect(positionIn("line 2, char 3", "ab\ncdef")).toBe(5);
});

it("names and values are quoted so that they stay names and values", () => {
  expect(ql.quoted('a"b')).toBe('"a\\"b"');
  expect(ql.literal("it's \\ here")).toBe("'it\\'s \\\\ here'");
});

it("a rule's query gets wider buckets only where its own would be too many", () => {
  const text = 'SELECT mean("x") FROM "gpu" WHERE $timeFilter GROUP BY time(1s), node';
  expect(coarsened(text, 3600, 10)).toEqual({ text, bucket: 1 });
  expect(coarsened(text, 604_800, 1800)).toEqual({ text: text.replace("time(1s)", "time(1800s)"), bucket: 1800 });
  expect(coarsened("SELECT x FROM gpu WHERE $timeFilter", 604_800, 1800)).toEqual({ text: "SELECT x FROM gpu WHERE $timeFilter", bucket: 1800 });
  expect(coarsened(text.replace("1s", "$__interval"), 604_800, 1800).text).toContain("$__interval");
});
