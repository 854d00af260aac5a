// SPDX-License-Identifier: Apache-2.0
/** Dashboards: prepared ones, and those that people have made, which the server keeps. A query may hold $timeFilter, $__interval
 * and the dashboard's variables; a variable stands in a regular expression, as in "node" =~ /^$node$/, so that "all" is possible. */
import type { Definition } from "./definitions";
import type { Stored } from "./editing";
import type { Key, Text } from "../i18n";

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
  refresh?: string; // "10s"; absent: as often as the buckets are worth it
  version?: number; // of one that the server keeps
}

export const kMostPanels = 40;

const over = (field: string, measurement: string, call: string, by = "") =>
  `SELECT ${call}("${field}") FROM "${measurement}" WHERE $timeFilter AND "pool" =~ /^$pool$/ GROUP BY time($__interval)${by} fill(null)`;
const ofNode = (field: string, measurement: string, by = "", call = "mean") =>
  `SELECT ${call}("${field}") FROM "${measurement}" WHERE $timeFilter AND "node" =~ /^$node$/ GROUP BY time($__interval)${by} fill(null)`;

interface Plan {
  variables: string[];
  panels: (Omit<DashPanel, "title"> & { title: Key })[];
}
const kPrepared: Record<"Cluster" | "Node", Plan> = {
  Cluster: {
    variables: ["pool"],
    panels: [
      { title: "dash.cluster.utilization", query: over("utilization_gpu", "gpu", "mean"), max: 100, wide: true },
      { title: "dash.cluster.bynode", query: over("utilization_gpu", "gpu", "mean", ', "node"'), max: 100, wide: true },
      { title: "field.saturation", query: over("saturation", "gpu", "mean"), max: 100 },
      { title: "field.queue_depth", query: over("queue_depth", "gpu", "mean") },
      { title: "field.memory_used_bytes", query: over("memory_used_bytes", "gpu", "mean") },
      { title: "field.power_watts", query: over("power_watts", "gpu", "mean") },
      { title: "dash.hottest", query: over("temperature_celsius", "gpu", "max") },
      { title: "field.requests", query: over("requests", "inference", "sum") },
      { title: "field.requests_waiting", query: over("requests_waiting", "inference", "mean", ', "server"') },
      { title: "field.latency_p99_ms", query: over("latency_p99_ms", "inference", "max") },
    ],
  },
  Node: {
    variables: ["node"],
    panels: [
      { title: "field.utilization_gpu", query: ofNode("utilization_gpu", "gpu", ', "gpu"'), max: 100, wide: true },
      { title: "field.saturation", query: ofNode("saturation", "gpu", ', "gpu"'), max: 100 },
      { title: "field.memory_used_bytes", query: ofNode("memory_used_bytes", "gpu", ', "gpu"') },
      { title: "field.power_watts", query: ofNode("power_watts", "gpu", ', "gpu"') },
      { title: "field.temperature_celsius", query: ofNode("temperature_celsius", "gpu", ', "gpu"') },
      { title: "dash.pods", query: ofNode("memory_used_bytes", "gpu_pod", ', "namespace", "pod"', "max") },
      { title: "field.in_flight", query: ofNode("in_flight", "node") },
      { title: "field.latency_p99_ms", query: ofNode("latency_p99_ms", "inference") },
    ],
  },
};

export const prepared = (t: Text): Dashboard[] =>
  Object.entries(kPrepared).map(([name, { variables, panels }]) => ({ name, variables, panels: panels.map((panel) => ({ ...panel, title: t(panel.title) })) }));

/** What the server keeps of one; as it came from there. */
export function dashboardOf({ name, version, definition }: Stored): Dashboard {
  const { variables = [], panels = [], refresh } = definition as unknown as Partial<Dashboard>;
  return { name, version, variables, panels, refresh };
}
export const definitionOf = ({ variables, panels, refresh }: Dashboard): Definition => ({ variables, panels, ...(refresh ? { refresh } : {}) });

/** The kept ones stand in front of prepared ones of the same name. */
export function allDashboards(kept: Dashboard[], t: Text): Dashboard[] {
  const own = prepared(t);
  return [...own.map((each) => kept.find((other) => other.name === each.name) ?? each), ...kept.filter((each) => !own.some((other) => other.name === each.name))];
}

/** What people call it: a prepared one has a name in their language. */
export const shownName = (dashboard: Dashboard, t: Text) => (dashboard.version === undefined ? t(`dash.name.${dashboard.name}` as Key) : dashboard.name);

/** A text as a definition. Errors: in words. */
export function readDefinition(text: string): Definition {
  const found = JSON.parse(text) as unknown;
  if (typeof found !== "object" || found === null || Array.isArray(found)) throw new Error("{variables, panels, refresh}");
  return found as Definition;
}
export const showDefinition = (definition: Definition) => JSON.stringify(definition, null, 2);

/** What to say where a query finds nothing: what it asks for may not be told by these GPUs, or by nobody here. */
export function whyEmpty(query: string): Key {
  const measurement = /\bFROM\s+"?(\w+)"?/i.exec(query)?.[1];
  const field = /\(\s*"?(\w+)"?/.exec(query)?.[1] ?? "";
  if (measurement === "inference") return "dash.none.inference";
  if (measurement === "gpu_pod") return "dash.none.pods";
  if (measurement === "node" && field === "in_flight") return "dash.none.in_flight";
  if (measurement === "gpu" && field === "queue_depth") return "dash.none.queue";
  return measurement === "gpu" && field && !field.startsWith("utilization_gpu") ? "dash.none.sensor" : "chart.none";
}

/** The query for a range with the variables filled in; "" means all. */
export function fill(query: string, where: string, bucket: number, values: Record<string, string>): string {
  const filled = query.replace(/\$(?!timeFilter\b|__)(\w+)/g, (whole, name: string) => {
    if (!(name in values)) return whole;
    return values[name] === "" ? ".*" : values[name].replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
  });
  return filled.replaceAll("$timeFilter", where).replaceAll("$__interval", `${bucket}s`);
}
