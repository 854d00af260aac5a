// SPDX-License-Identifier: Apache-2.0
/** Numbers with their units, times in the reader's zone. "–" is what is not known. */
import type { Language } from "../i18n";

export const unknown = "–";
const locale = (language: Language) => (language === "zh" ? "zh-CN" : "en-GB");

export function number(value: number | null | undefined, digits = 1): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return unknown;
  return value.toLocaleString("en", { maximumFractionDigits: digits });
}
export function percent(value: number | null | undefined): string {
  return value === null || value === undefined ? unknown : `${number(value)} %`;
}
export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return unknown;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let size = value;
  let unit = 0;
  for (; size >= 1024 && unit + 1 < units.length; ++unit) size /= 1024;
  return `${number(size)} ${units[unit]}`;
}

/** Seconds in the two largest units: "3 m 12 s". */
export function span(secs: number | null | undefined): string {
  if (secs === null || secs === undefined || !Number.isFinite(secs)) return unknown;
  const whole = Math.max(0, Math.round(secs));
  const parts: [number, string][] = [[Math.floor(whole / 86400), "d"], [Math.floor(whole / 3600) % 24, "h"], [Math.floor(whole / 60) % 60, "m"], [whole % 60, "s"]];
  const first = parts.findIndex(([n]) => n > 0);
  if (first < 0) return "0 s";
  return parts.slice(first, first + 2).filter(([n]) => n > 0).map(([n, unit]) => `${n} ${unit}`).join(" ");
}

export function clock(time: string | number | Date, language: Language): string {
  return new Date(time).toLocaleTimeString(locale(language), { hour12: false });
}
/** Today's times without the day, this year's without the year. @param fine with seconds */
export function when(time: string | number | Date | null | undefined, language: Language, fine = true): string {
  if (time === null || time === undefined || time === "") return unknown;
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return String(time);
  const now = new Date();
  const hours: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", second: fine ? "2-digit" : undefined, hour12: false };
  if (date.toDateString() === now.toDateString()) return date.toLocaleTimeString(locale(language), hours);
  // A month by its name: 3/4 is read as March by some and as April by others.
  return date.toLocaleString(locale(language), { year: date.getFullYear() === now.getFullYear() ? undefined : "numeric", month: "short", day: "numeric", ...hours });
}
export function utc(time: string | number | Date | null | undefined): string {
  const date = new Date(time ?? NaN);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString().replace("T", " ").replace(/\.\d+Z$/, " UTC");
}

/** How a field's values read, by the unit that its name ends in. */
export function unitOf(field: string): (value: number | null) => string {
  if (/utilization|percent|saturation|kv_cache_usage/.test(field)) return percent;
  if (/bytes/.test(field)) return bytes;
  const unit = /_(watts|celsius|mhz|ms|seconds|rps)$/.exec(field)?.[1];
  const sign: Record<string, string> = { watts: "W", celsius: "°C", mhz: "MHz", seconds: "s", rps: "/s" };
  // "14,000 ms" would not fit beside a chart.
  if (unit === "ms") return (value) => (value === null ? unknown : Math.abs(value) >= 1000 ? `${number(value / 1000, 2)} s` : `${number(value)} ms`);
  return (value) => (value === null ? unknown : unit ? `${number(value)} ${sign[unit]}` : number(value, 2));
}
