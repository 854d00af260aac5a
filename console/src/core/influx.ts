// SPDX-License-Identifier: Apache-2.0
/** Queries in InfluxQL and their answers as columns of numbers. */
import { ApiError, call } from "./api";

export interface Series {
  name: string;
  tags?: Record<string, string>;
  columns: string[];
  values: (string | number | boolean | null)[][];
  partial?: boolean;
}
export interface StatementResult {
  statement_id: number;
  series?: Series[];
  error?: string;
}

/** One curve: times in seconds ascending, and as many values; null where there is none. */
export interface Curve {
  label: string;
  tags: Record<string, string>;
  times: number[];
  values: (number | null)[];
}

/** Times come as integers of milliseconds. Errors: of the whole query only; a statement's own stands in its result. */
export async function query(text: string, signal?: AbortSignal, db = "gpuscale"): Promise<StatementResult[]> {
  const parameters = new URLSearchParams({ db, epoch: "ms", q: text });
  const answer = await call<{ results: StatementResult[] }>("GET", `/query?${parameters}`, undefined, signal);
  return answer.results;
}

/** As query(), of one statement; its error is thrown. */
export async function select(text: string, signal?: AbortSignal): Promise<Series[]> {
  const [result] = await query(text, signal);
  if (result?.error) throw new ApiError(400, result.error);
  return result?.series ?? [];
}

function labelOf(series: Series, column: string, many: boolean): string {
  const tags = Object.entries(series.tags ?? {}).map(([key, value]) => (key === "node" || key === "gpu" ? value : `${key}=${value}`));
  const head = tags.length ? tags.join(" · ") : series.name;
  return many || !tags.length ? `${head} ${column}` : head;
}

/** Every numeric column of every series, at most `most` of them. */
export function curvesOf(list: Series[], most = 200): { curves: Curve[]; left: number } {
  const curves: Curve[] = [];
  let left = 0;
  for (const series of list) {
    const time = series.columns.indexOf("time");
    if (time < 0) continue;
    const numeric = series.columns.flatMap((_, i) => (i !== time && series.values.some((row) => typeof row[i] === "number") ? [i] : []));
    for (const i of numeric) {
      if (curves.length >= most) {
        left += 1;
        continue;
      }
      curves.push({
        label: labelOf(series, series.columns[i], numeric.length > 1),
        tags: series.tags ?? {},
        times: series.values.map((row) => Number(row[time]) / 1000),
        values: series.values.map((row) => (typeof row[i] === "number" ? (row[i] as number) : null)),
      });
    }
  }
  return { curves, left };
}

/** The curves over one common axis, as uPlot wants them: [times, values, values, ...]. */
export function aligned(curves: Curve[]): [number[], ...(number | null | undefined)[][]] {
  const first = curves[0]?.times ?? [];
  const same = curves.every((curve) => curve.times.length === first.length && curve.times.every((t, i) => t === first[i]));
  if (same) return [first, ...curves.map((curve) => curve.values)];
  const times = [...new Set(curves.flatMap((curve) => curve.times))].sort((a, b) => a - b);
  const place = new Map(times.map((time, i) => [time, i]));
  return [
    times,
    ...curves.map((curve) => {
      // undefined: no bucket of this curve's here, so the line goes through; null: a gap
      const values = new Array<number | null | undefined>(times.length).fill(undefined);
      curve.times.forEach((time, i) => (values[place.get(time)!] = curve.values[i]));
      return values;
    }),
  ];
}

const kSteps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];
/** A round bucket, in seconds, so that `span` seconds have at most `points` of them. */
export function bucketFor(span: number, points = 400): number {
  return kSteps.find((step) => span / step <= points) ?? 86400;
}

const quoted = (name: string) => `"${name.replace(/["\\]/g, "\\$&")}"`;
const literal = (text: string) => `'${text.replace(/['\\]/g, "\\$&")}'`;
export const ql = { quoted, literal };

/** A rule's query over its own range: from and to in milliseconds. */
export function inRange(text: string, from: number, to: number, bucket: number): string {
  return text
    .replaceAll("$timeFilter", `time >= ${Math.floor(from)}ms AND time <= ${Math.ceil(to)}ms`)
    .replaceAll("$__interval_ms", String(bucket * 1000))
    .replaceAll("$__interval", `${bucket}s`)
    .replaceAll("$interval", `${bucket}s`);
}

const kMostBuckets = 4000;
/** A rule's query with its buckets made wide enough for a stretch of `span` seconds; as it is where they are already. */
export function coarsened(text: string, span: number, bucket: number): { text: string; bucket: number } {
  const found = /\btime\(\s*(\d+)(ms|s|m|h|d)\s*(?=[,)])/i.exec(text);
  if (!found) return { text, bucket };
  const own = Number(found[1]) * { ms: 0.001, s: 1, m: 60, h: 3600, d: 86400 }[found[2].toLowerCase()]!;
  if (!(own > 0) || span / own <= kMostBuckets) return { text, bucket: own };
  return { text: text.slice(0, found.index) + `time(${bucket}s` + text.slice(found.index + found[0].length), bucket };
}

/** "line 1, char 8" of an error text as an offset into the query; null where it names none. */
export function positionIn(error: string, text: string): number | null {
  const found = /line (\d+), char (\d+)/.exec(error);
  if (!found) return null;
  const lines = text.split("\n");
  const line = Math.min(Number(found[1]), lines.length) - 1;
  const before = lines.slice(0, line).reduce((sum, each) => sum + each.length + 1, 0);
  return Math.min(before + Number(found[2]) - 1, text.length);
}

/** The place in `text` that `at` in `sent`, the same text with its variables filled in by `fill`, stands for. */
export function placeBefore(text: string, fill: (text: string) => string, at: number): number {
  let place = 0;
  while (place < text.length && fill(text.slice(0, place + 1)).length <= at) place += 1;
  return place;
}

/** A spreadsheet's cell. One that begins like a formula would be run. */
function cellOf(value: unknown): string {
  const text = value === null || value === undefined ? "" : String(value);
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
const linesOf = (rows: unknown[][]) => rows.map((row) => row.map(cellOf).join(",")).join("\r\n") + "\r\n";

/** For a spreadsheet: every series under one heading of tags and columns; times as RFC 3339. */
export function toCsv(list: Series[]): string {
  const tags = [...new Set(list.flatMap((series) => Object.keys(series.tags ?? {})))];
  const columns = [...new Set(list.flatMap((series) => series.columns))];
  const rows = list.flatMap((series) => series.values.map((row) => {
    const cells = columns.map((column) => {
      const value = row[series.columns.indexOf(column)];
      return column === "time" && typeof value === "number" ? new Date(value).toISOString() : value;
    });
    return [series.name, ...tags.map((tag) => series.tags?.[tag]), ...cells];
  }));
  return linesOf([["name", ...tags, ...columns], ...rows]);
}

/** Curves side by side, one line a time. */
export function curvesToCsv(curves: Curve[]): string {
  const [times, ...columns] = aligned(curves);
  return linesOf([["time", ...curves.map((curve) => curve.label)], ...times.map((time, i) => [new Date(time * 1000).toISOString(), ...columns.map((values) => values[i])])]);
}
