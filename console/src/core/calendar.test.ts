// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import { calendar, knownUntil } from "./calendar";

const at = (day: number, hour: number) => new Date(2026, 10, day, hour).getTime(); // 2026-11-26 is a Thursday

it("a calendar begins on Monday, and what runs often on a day stands as one line", () => {
  const often = Array.from({ length: 24 }, (_, hour) => ({ name: "hourly", at: at(27, hour) }));
  const days = calendar([{ name: "late", at: at(26, 20) }, { name: "early", at: at(26, 8) }, ...often, { name: "far", at: at(30, 1) + 14 * 86_400_000 }], at(26, 12), 2);
  expect(days.length).toBe(14);
  expect(new Date(days[0].begin).getDate()).toBe(23);
  expect(days.map((day) => day.past).lastIndexOf(true)).toBe(2);
  expect(days[3].slots.map((slot) => slot.name)).toEqual(["early", "late"]);
  expect(days[4].slots.map((slot) => [slot.name, slot.times.length])).toEqual([["hourly", 24]]);
  expect(days.slice(5).every((day) => day.slots.length === 0)).toBe(true);
});

it("a list of runs that was cut off tells until when it is known, unless that is past the weeks", () => {
  const hourly = Array.from({ length: 100 }, (_, hour) => at(26, 13 + hour));
  expect(knownUntil(hourly, 100, at(26, 12), 2)).toBe(at(26, 112));
  expect(knownUntil(hourly, 101, at(26, 12), 2)).toBeUndefined();
  const daily = Array.from({ length: 100 }, (_, day) => at(26 + day, 13));
  expect(knownUntil(daily, 100, at(26, 12), 2)).toBeUndefined();
  expect(knownUntil([], 100, at(26, 12), 2)).toBeUndefined();
});
