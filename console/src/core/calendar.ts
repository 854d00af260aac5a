// SPDX-License-Identifier: Apache-2.0
/** A schedule's runs laid out on days. Pure. */

export interface Run {
  name: string;
  at: number; // ms
}
export interface Slot {
  name: string;
  times: number[]; // one, or all of a schedule that runs often on that day
}
export interface Day {
  begin: number; // local midnight, ms
  past: boolean;
  slots: Slot[];
}

/** Over so many runs on one day a schedule stands as one line. */
const kOften = 3;

const midnight = (time: number, days = 0) => {
  const date = new Date(time);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).getTime();
};

const mondayOf = (now: number) => midnight(now, -((new Date(now).getDay() + 6) % 7));

/** Until when all runs of a schedule are known whose list was cut off after `most`, where that is before the weeks' end, ms. */
export function knownUntil(next: number[], most: number, now: number, weeks: number): number | undefined {
  const last = next.length >= most ? Math.max(...next) : Infinity;
  return last < midnight(mondayOf(now), weeks * 7) ? last : undefined;
}

/** Whole weeks from this week's Monday on, each day with its runs in order. */
export function calendar(runs: Run[], now: number, weeks: number): Day[] {
  const monday = mondayOf(now);
  return Array.from({ length: weeks * 7 }, (_, i) => {
    const begin = midnight(monday, i);
    const end = midnight(monday, i + 1);
    const byName = new Map<string, number[]>();
    for (const run of runs) {
      if (run.at >= begin && run.at < end) byName.set(run.name, [...(byName.get(run.name) ?? []), run.at]);
    }
    const slots = [...byName].flatMap(([name, times]) => (times.length > kOften ? [{ name, times }] : times.map((at) => ({ name, times: [at] }))));
    return { begin, past: end <= now, slots: slots.sort((a, b) => a.times[0] - b.times[0]) };
  });
}
