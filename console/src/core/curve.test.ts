// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import { patient, settle } from "./curve";
import type { Curve } from "./influx";

const settled = (bucket: number, to: number, values: (number | null)[]) => {
  const curve: Curve = { label: "", tags: {}, times: values.map((_, i) => to - (values.length - i) * bucket), values };
  settle(curve, bucket, to);
  return curve.values;
};

it("a curve ends with what is known, not with a bucket of which some have yet to tell", () => {
  expect(settled(2, 100, [50, 60, 10])).toEqual([50, 60]);
  expect(settled(2, 100, [50, null, null])).toEqual([50]);
  expect(settled(60, 600, [50, 60, 10])).toEqual([50, 60, 10]);
  expect(settled(60, 600, [50, null, null])).toEqual([50]);
  expect(settled(60, 600, [50, null, null, null])).toEqual([50, null]); // a hole that is there
});

it("a report that comes late is no node that has gone", () => {
  expect(patient([2, 1, 2, null, 2], 2, 5)).toEqual([2, 2, 2, 2, 2]);
  expect(patient([null, 2, 3, 2, 2, 2, 2], 2, 5)).toEqual([0, 2, 3, 3, 3, 2, 2]);
  expect(patient([3, null, null, null], 2, 5)).toEqual([3, 3, 3, 0]);
  expect(patient([3, 2, 3], 60, 5)).toEqual([3, 2, 3]);
});
