// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import { windowIn } from "./curve";
import { zoomIn, zoomText } from "./zoom";

it("a zoom goes through the address, and what is none is none", () => {
  expect(zoomIn(zoomText({ from: 100.7, to: 160.2 }))).toEqual({ from: 100, to: 161 });
  expect(zoomIn(zoomText({ from: 100.2, to: 100.4 }))).toEqual({ from: 100, to: 102 });
  for (const text of ["", "1-1", "5-2", "a-b", "-1-5", "1e3-2e3"]) expect(zoomIn(text)).toBeNull();
});

it("a zoomed stretch is asked for in finer buckets, on their boundaries", () => {
  expect(windowIn({ from: 1001, to: 4599 })).toEqual({ from: 1000, to: 4600, bucket: 10 });
});
