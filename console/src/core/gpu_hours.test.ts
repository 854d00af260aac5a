// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import { hoursOf, kHoursBucket } from "./gpu_hours";

const minutes = (n: number) => n * 60_000;

it("GPU-hours count a node from its first report, and nothing while nothing reported", () => {
  // Two nodes of one GPU, a report a second, from the fifth minute of the first bucket.
  const whole = { time: kHoursBucket, sum: 1200, most: 600 };
  const first = { time: 0, sum: 600, most: 300 };
  const got = hoursOf([first, whole], minutes(5), 2 * kHoursBucket);
  expect(got.hours).toBeCloseTo(0.5, 6);
  expect(got.covered).toBeCloseTo(0.25, 6);
  // In the third bucket the server was off for nine minutes, and a node of two was there for half of the last one.
  const gap = hoursOf([first, whole, { time: 2 * kHoursBucket, sum: 90, most: 60 }], minutes(5), 3 * kHoursBucket);
  expect(gap.hours - got.hours).toBeCloseTo(1.5 / 60, 6);
  expect(hoursOf([], 0, minutes(5))).toEqual({ hours: 0, covered: 0 });
  // The bucket that has only begun.
  expect(hoursOf([whole, { time: 2 * kHoursBucket, sum: 20, most: 10 }], kHoursBucket, 2 * kHoursBucket + 10_000).covered).toBeCloseTo(1 / 6 + 10 / 3600, 6);
});
