// SPDX-License-Identifier: Apache-2.0
/** Dashboards as JSON: prepared ones, and one's own, which this browser keeps. A query may hold $timeFilter, $__interval and the
 * dashboard's variables; a variable stands in a regular expression, as in "node" =~ /^$node$/, so that "all" is possible. */

export interface DashPanel {
  title: string;
  query: string;
  max?: number; // the axis reaches at least so far
  wide?: boolean;
}
export interface Dashboard {
  name: string;
  variables: string[]; // names of tags
  panels: DashPanel[];
}

const kMostPanels = 40;
const kKept = "gpuscale.dashboards";

const over = (field: string, measurement: string, call: string, by = "") =>
  `SELECT ${call}("${field}") FROM "${measurement}" WHERE $timeFilter AND "pool" =~ /^$pool$/ GROUP BY time($__interval)${by} fill(null)`;
const ofNode = (field: string, measurement: string, by = "") =>
  `SELECT mean("${field}") FROM "${measurement}" WHERE $timeFilter AND "node" =~ /^$node$/ GROUP BY time($__interval)${by} fill(null)`;

export const prepared: Dashboard[] = [
  {
    name: "Cluster", variables: ["pool"],
    panels: [
      { title: "GPU utilisation, mean", query: over("utilization_gpu", "gpu", "mean"), max: 100, wide: true },
      { title: "GPU utilisation by node", query: over("utilization_gpu", "gpu", "mean", ', "node"'), max: 100, wide: true },
      { title: "Waiting requests", query: over("queue_depth", "gpu", "mean") },
      { title: "Power", query: over("power_watts", "gpu", "mean") },
      { title: "Requests", query: over("requests", "inference", "sum") },
      { title: "Latency, p99", query: over("latency_p99_ms", "inference", "max") },
    ],
  },
  {
    name: "Node", variables: ["node"],
    panels: [
      { title: "GPU utilisation", query: ofNode("utilization_gpu", "gpu", ', "gpu"'), max: 100, wide: true },
      { title: "Memory in use", query: ofNode("memory_used_bytes", "gpu", ', "gpu"') },
      { title: "Temperature", query: ofNode("temperature_celsius", "gpu", ', "gpu"') },
      { title: "Requests in flight", query: ofNode("in_flight", "node") },
      { title: "Latency, p99", query: ofNode("latency_p99_ms", "inference") },
    ],
  },
];

const isText = (value: unknown): value is string => typeof value === "string";

/** A text as a dashboard. Errors name the place. */
export function readDashboard(text: string): Dashboard {
  const found = JSON.parse(text) as Partial<Dashboard> | null;
  if (!found || typeof found !== "object" || Array.isArray(found)) throw new Error("a dashboard is an object: {name, variables, panels}");
  if (!isText(found.name) || !found.name.trim() || found.name.length > 100) throw new Error("name: 1 to 100 characters");
  const variables = found.variables ?? [];
  if (!Array.isArray(variables) || !variables.every((each) => isText(each) && /^\w+$/.test(each))) throw new Error("variables: a list of tags' names");
  const panels = found.panels ?? [];
  if (!Array.isArray(panels) || panels.length > kMostPanels) throw new Error(`panels: a list of at most ${kMostPanels}`);
  panels.forEach((panel, i) => {
    if (!isText(panel?.title) || !isText(panel?.query)) throw new Error(`panels[${i}]: title and query are texts`);
    if (!panel.query.includes("$timeFilter")) throw new Error(`panels[${i}].query: write WHERE $timeFilter, or it reads all that is stored`);
    if (panel.max !== undefined && typeof panel.max !== "number") throw new Error(`panels[${i}].max: a number`);
  });
  return { name: found.name.trim(), variables, panels };
}

export const showDashboard = (dashboard: Dashboard) => JSON.stringify(dashboard, null, 2);

/** The query for a range with the variables filled in; "" means all. */
export function fill(query: string, where: string, bucket: number, values: Record<string, string>): string {
  const filled = query.replace(/\$(?!timeFilter\b|__)(\w+)/g, (whole, name: string) => {
    if (!(name in values)) return whole;
    return values[name] === "" ? ".*" : values[name].replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
  });
  return filled.replaceAll("$timeFilter", where).replaceAll("$__interval", `${bucket}s`);
}

export function keptDashboards(): Dashboard[] {
  try {
    return (JSON.parse(localStorage.getItem(kKept) ?? "[]") as unknown[]).map((each) => readDashboard(JSON.stringify(each)));
  } catch {
    return [];
  }
}
/** Keeps `dashboard` in place of one of the same name. */
export function keepDashboard(dashboard: Dashboard): void {
  localStorage.setItem(kKept, JSON.stringify([...keptDashboards().filter((each) => each.name !== dashboard.name), dashboard]));
}
export function dropDashboard(name: string): void {
  localStorage.setItem(kKept, JSON.stringify(keptDashboards().filter((each) => each.name !== name)));
}
/** The kept ones stand in front of prepared ones of the same name. */
export function allDashboards(): Dashboard[] {
  const kept = keptDashboards();
  return [...prepared.map((each) => kept.find((other) => other.name === each.name) ?? each), ...kept.filter((each) => !prepared.some((other) => other.name === each.name))];
}
