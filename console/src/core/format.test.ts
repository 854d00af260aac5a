// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import { when } from "./format";

it("a time is as long as it must be, and its month has a name", () => {
  const now = new Date();
  const year = now.getFullYear();
  const today = new Date(year, now.getMonth(), now.getDate(), 8, 5, 9);
  expect([when(today, "en"), when(today, "en", false), when(today, "zh", false)]).toEqual(["08:05:09", "08:05", "08:05"]);
  const other = new Date(year, now.getMonth() === 3 ? 4 : 3, 3, 8, 5, 9); // never today
  expect(when(other, "en")).toMatch(/^3 \w+,? (at )?08:05:09$/);
  expect(when(new Date(year - 1, 3, 3, 8, 5, 9), "en", false)).toMatch(new RegExp(`^3 Apr ${year - 1},? (at )?08:05$`));
  expect(when(new Date(year - 1, 3, 3, 8, 5, 9), "zh", false)).toBe(`${year - 1}年4月3日 08:05`);
  expect([when(null, "en"), when("nonsense", "en")]).toEqual(["–", "nonsense"]);
});
