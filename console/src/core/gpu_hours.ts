// SPDX-License-Identifier: Apache-2.0
/** GPU-hours out of what nodes reported, bucket by bucket. Pure. */

/** 10 m, in ms. */
export const kHoursBucket = 600_000;
/** Of less, in hours, the pace of reports cannot be told. */
const kLeastSpan = 30 / 3600;

export interface Reports {
  time: number; // the bucket's begin, ms
  sum: number; // of the devices in all reports of all nodes
  most: number; // reports of the node that reported most
}

/** What the GPUs add up to, and over how many hours anything reported. A node that was there for part of a bucket has reported for
 * that part: the one that reported most was there throughout, but where it reported less often than in other buckets: then nothing
 * was there for a part (a server that was off).
 * @param begin when the first report came, ms */
export function hoursOf(buckets: Reports[], begin: number, now: number): { hours: number; covered: number } {
  const spans = buckets.map(({ time }) => Math.max(0, Math.min(time + kHoursBucket, now) - Math.max(time, begin)) / 3_600_000);
  const pace = Math.max(0, ...buckets.map(({ most }, i) => (spans[i] > kLeastSpan ? most / spans[i] : 0)));
  return buckets.reduce<{ hours: number; covered: number }>(
    (total, { sum, most }, i) => {
      const covered = pace > 0 ? Math.min(spans[i], most / pace) : spans[i];
      return { hours: total.hours + (most > 0 ? (sum / most) * covered : 0), covered: total.covered + covered };
    },
    { hours: 0, covered: 0 },
  );
}
