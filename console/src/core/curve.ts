// SPDX-License-Identifier: Apache-2.0
/** Curves that grow: the whole range is asked for once, then only its end. */
import { bucketFor, curvesOf, select, type Curve } from "./influx";
import { useFollowed } from "./data";
import { useZoom, type Zoom } from "./zoom";
import { useRef } from "react";

export const kRanges: Record<string, number> = { "5m": 300, "15m": 900, "1h": 3600, "6h": 21600, "24h": 86400, "7d": 604800 };

/** `old` up to `from` followed by what `tail` says from there, without what is before `begin` (all in seconds). */
export function merged(old: Curve[], tail: Curve[], from: number, begin: number): Curve[] {
  const byLabel = new Map(tail.map((curve) => [curve.label, curve]));
  const out = old.map((curve) => {
    const fresh = byLabel.get(curve.label);
    byLabel.delete(curve.label);
    const first = curve.times.findIndex((time) => time >= begin);
    const end = curve.times.findIndex((time) => time >= from);
    const keep = (list: unknown[]) => (first < 0 ? [] : list.slice(first, end < 0 ? undefined : end));
    return {
      ...curve,
      times: [...(keep(curve.times) as number[]), ...(fresh?.times ?? [])],
      values: [...(keep(curve.values) as (number | null)[]), ...(fresh?.values ?? [])],
    };
  });
  return [...out, ...byLabel.values()].filter((curve) => curve.times.length > 0);
}

/** Of buckets as short as the time between two reports, the newest holds some nodes' reports and not yet the others': its mean is
 * of those alone, so it is left out. */
const kShort = 2;

/** Takes off the end of a curve what says nothing yet: what is null, and what is still filling. */
export function settle(curve: Curve, bucket: number, to: number): void {
  const last = () => curve.times[curve.times.length - 1];
  while (curve.times.length && ((bucket <= kShort && last() >= to - bucket) || (curve.values[curve.values.length - 1] === null && last() >= to - 2 * bucket))) {
    curve.values.pop();
    curve.times.pop();
  }
}

/** A count of what reports, over buckets shorter than `patience` seconds: a report that comes late is nobody who has gone. */
export function patient(values: (number | null)[], bucket: number, patience: number): number[] {
  const reach = Math.max(0, Math.ceil(patience / bucket) - 1);
  return values.map((_, i) => Math.max(...values.slice(Math.max(0, i - reach), i + 1).map((each) => each ?? 0)));
}

export interface Window {
  from: number; // seconds
  to: number;
  bucket: number;
}
/** The range that ends now, on bucket boundaries. */
export function windowOf(range: string, now = Date.now(), points = 400): Window {
  const span = kRanges[range] ?? kRanges["1h"];
  const bucket = bucketFor(span, points);
  const to = Math.ceil(now / 1000 / bucket) * bucket;
  return { from: to - span, to, bucket };
}

/** A stretch that was zoomed into, on bucket boundaries. */
export function windowIn({ from, to }: Zoom, points = 400): Window {
  const bucket = bucketFor(to - from, points);
  return { from: Math.floor(from / bucket) * bucket, to: Math.ceil(to / bucket) * bucket, bucket };
}

/** How often the end of a range of such buckets is asked for, in ms: often enough to look live, seldom enough to cost nothing. */
export const paceOf = (bucket: number) => Math.min(Math.max(bucket * 1000, 2000), 60_000);

/** Of the range, or of the stretch that the page is zoomed into: that one stands still.
 * @param text the query for a range: a SELECT with GROUP BY time(`bucket`s) over `where`
 * @param pace ms between two looks; absent: as often as the buckets are worth it; 0: never by itself */
export function useCurves(text: (where: string, bucket: number) => string, range: string, pace?: number) {
  const [zoom] = useZoom();
  const held = useRef<{ key: string; curves: Curve[]; to: number; left: number }>();
  const key = JSON.stringify([range, text("", 0), zoom]);
  const followed = useFollowed(
    async (signal) => {
      const { from, to, bucket } = zoom ? windowIn(zoom) : windowOf(range);
      const before = held.current?.key === key && held.current.to > from ? held.current : undefined;
      // The last buckets may still have been filling when they were seen.
      const since = before ? before.to - 3 * bucket : from;
      const series = await select(text(`time >= ${since}s AND time < ${to}s`, bucket), signal);
      const { curves, left } = curvesOf(series);
      curves.forEach((curve) => settle(curve, bucket, to));
      const all = before ? merged(before.curves, curves, since, from) : curves.filter((curve) => curve.times.length > 0);
      held.current = { key, curves: all, to, left };
      return { curves: all, left, from, to, bucket };
    },
    [key],
    zoom ? 0 : pace ?? paceOf(windowOf(range).bucket),
    false,
  );
  return followed;
}
