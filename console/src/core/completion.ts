// SPDX-License-Identifier: Apache-2.0
/** What may be written next in an InfluxQL query, from what stands before the cursor. Pure. */

export interface Names {
  measurements: string[];
  fields: Record<string, string[]>; // by measurement
  tags: Record<string, string[]>;
  values: Record<string, string[]>; // of a tag
}
export interface Suggestions {
  list: string[];
  from: number; // where the word begins that a suggestion replaces
}

const kFunctions = ["mean(", "max(", "min(", "sum(", "count(", "last(", "first(", "median(", "percentile(", "stddev(", "spread(", "derivative(", "non_negative_derivative(", "moving_average(", "distinct("];
const kAfterSource = ["WHERE ", "GROUP BY ", "ORDER BY time DESC", "LIMIT "];
const kWhere = ["$timeFilter", "time > now() - 1h"];
const kGroup = ["time($__interval)", "time(30s)"];
const kMost = 12;

const plain = (name: string) => (/^[A-Za-z_]\w*$/.test(name) ? name : `"${name.replace(/["\\]/g, "\\$&")}"`);

/** The part of the SELECT that the cursor stands in. */
function clause(before: string): "start" | "select" | "from" | "after" | "where" | "group" {
  const words = before.toUpperCase();
  const last = (word: RegExp) => Math.max(-1, ...[...words.matchAll(word)].map((found) => found.index ?? -1));
  const places = [["select", last(/\bSELECT\s/g)], ["from", last(/\bFROM\s/g)], ["where", last(/\b(WHERE|AND|OR)\s/g)], ["group", last(/\bGROUP BY\s/g)]] as const;
  const [name, at] = places.reduce((best, each) => (each[1] > best[1] ? each : best));
  if (at < 0) return "start";
  if (name === "from" && /\bFROM\s+("[^"]*"|\w+)\s+\w*$/i.test(before)) return "after";
  return name;
}

export function complete(text: string, cursor: number, names: Names): Suggestions {
  const statement = text.lastIndexOf(";", cursor - 1) + 1;
  const before = text.slice(statement, cursor);
  const word = /[\w$"'.]*$/.exec(before)![0];
  const from = cursor - word.length;
  const ahead = before.slice(0, before.length - word.length);
  const measurement = /\bFROM\s+"?([^"\s,;)]+)"?/i.exec(text.slice(statement))?.[1];
  const all = (by: Record<string, string[]>) => (measurement && by[measurement] ? by[measurement] : [...new Set(Object.values(by).flat())]);
  const tag = /("?)([\w]+)\1\s*(?:=|!=)\s*$/.exec(ahead)?.[2];
  const where = clause(ahead);
  const candidates = (() => {
    if (where === "start") return ["SELECT ", "SHOW MEASUREMENTS", "SHOW FIELD KEYS", "SHOW TAG KEYS", "SHOW TAG VALUES WITH KEY = "];
    if (where === "from") return names.measurements.map(plain);
    if (where === "after") return kAfterSource;
    if (where === "group") return [...kGroup, ...all(names.tags).map(plain), "fill(null)"];
    if (where === "where") {
      if (tag && names.values[tag]) return names.values[tag].map((value) => `'${value.replace(/['\\]/g, "\\$&")}'`);
      return [...kWhere, ...all(names.tags).map(plain), ...all(names.fields).map(plain), "AND ", "GROUP BY "];
    }
    const inside = /\(\s*$/.test(ahead);
    return inside ? all(names.fields).map(plain) : [...kFunctions, ...all(names.fields).map(plain), "FROM "];
  })();
  const wanted = word.replace(/["']/g, "").toLowerCase();
  const bare = (each: string) => each.replace(/["']/g, "").toLowerCase();
  const starts = candidates.filter((each) => bare(each).startsWith(wanted));
  const within = candidates.filter((each) => wanted && !bare(each).startsWith(wanted) && bare(each).includes(wanted));
  return { list: [...starts, ...within].filter((each) => each !== word).slice(0, kMost), from };
}
