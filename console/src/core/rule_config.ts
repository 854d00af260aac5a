// SPDX-License-Identifier: Apache-2.0
/** A rule as the config file would have it. */
import type { Rule } from "./types";

const plain = /^[\w][\w .()/%-]*$/;
const scalar = (text: string) => (plain.test(text) && !/^(true|false|null|yes|no|on|off|~|[\d.]+)$/i.test(text) && !/ $/.test(text) ? text : JSON.stringify(text));

export function toYaml(rule: Rule): string {
  const lines = [`- name: ${scalar(rule.name)}`, `  every: ${rule.every}`, "  queries:"];
  for (const [ref, text] of Object.entries(rule.queries)) lines.push(`    ${ref}: ${JSON.stringify(text)}`);
  const sources = Object.entries(rule.sources ?? {});
  if (sources.length) lines.push("  sources:", ...sources.map(([ref, source]) => `    ${ref}: ${scalar(source)}`));
  lines.push(`  condition: ${JSON.stringify(rule.condition)}`, `  for: ${rule.for}`);
  if (rule.recover) lines.splice(-1, 0, `  recover: ${JSON.stringify(rule.recover)}`);
  if (rule.keep_firing_for && rule.keep_firing_for !== "0s") lines.push(`  keep_firing_for: ${rule.keep_firing_for}`);
  if (rule.per_series) lines.push("  per_series: true");
  if (rule.repeat && rule.repeat !== "0s") lines.push(`  repeat: ${rule.repeat}`);
  if (rule.no_data) lines.push(`  no_data: ${rule.no_data}`);
  if (rule.message) lines.push(`  message: ${JSON.stringify(rule.message)}`);
  lines.push(`  notify: [${rule.notify.map(scalar).join(", ")}]`);
  return lines.join("\n");
}
