// SPDX-License-Identifier: Apache-2.0
/** The keys of what can be declared, as docs/configuration.md has them, for forms. A definition is the very object that the config
 * file's entry would be; a secret that is set reads {"secret": "set"}. Pure. */

export const kKinds = ["rules", "channels", "triggers", "schedules", "pools", "policies"] as const;
/** Dashboards have a form of their own, and no keys here. */
export type Kind = (typeof kKinds)[number] | "dashboards";
/** One of a kind, as the command line and the ledger call it. */
export const kWords: Record<Kind, string> = { rules: "rule", channels: "channel", triggers: "trigger", schedules: "schedule", pools: "pool", policies: "policy", dashboards: "dashboard" };
export type Definition = Record<string, unknown>;
export type Control = "text" | "long" | "duration" | "whole" | "number" | "switch" | "choice" | "texts" | "map" | "secret" | "condition" | "queries" | "steps";

export interface Key {
  path: string; // "cooldown.scale_out"
  control: Control;
  choices?: string[];
  names?: Kind; // the choices are the names of what there is of this kind
  required?: boolean;
  otherwise?: string; // what holds where it is left out
  of?: string[]; // only with these types
  rare?: boolean; // stands folded away
  discreet?: boolean; // may hold a secret among other things: no draft keeps it
  help?: string; // the name of its explanation, where that is not its path
  told?: boolean; // each of its choices is explained by itself
}

const kWithUrl = ["webhook", "dingtalk", "wecom", "feishu", "slack", "teams", "alertmanager"];
const kScaling = ["scale_out", "scale_in"];
const kErrands = ["run", "call"];
const kStates = ["firing", "ok", "no_data", "error"];
/** Policies by what their number is; the types that need the rate of requests decide for no live pool. */
const kForecasts = ["lookout", "lookout_util", "lookout_v1_util"];
const kTracking = ["target_tracking", "hpa", "hpa_ca", "aws_tt", "aws_step", "gce_mig"];
const kRecipes = ["recipe", "recipe_repeat"];
const kByValue = ["target", "step"];
const kPolicyTypes = [...kForecasts.slice(0, 1), ...kTracking, ...kByValue, ...kRecipes, "static", ...kForecasts.slice(1)];
const byUtilisation = kPolicyTypes.filter((type) => !kByValue.includes(type));

export const kKeys: Record<Kind, Key[]> = {
  dashboards: [],
  rules: [
    { path: "queries", control: "queries", required: true },
    { path: "condition", control: "condition", required: true },
    { path: "notify", control: "texts", names: "channels" },
    { path: "every", control: "duration", otherwise: "5s" },
    { path: "for", control: "duration", otherwise: "0s" },
    { path: "repeat", control: "duration", otherwise: "0s" },
    { path: "recover", control: "long" },
    { path: "keep_firing_for", control: "duration", otherwise: "0s" },
    { path: "pool", control: "choice", names: "pools" },
    { path: "per_series", control: "switch" },
    { path: "no_data", control: "choice", choices: ["keep", "alert", "ok", "no_data"], otherwise: "keep", rare: true },
    { path: "on_error", control: "choice", choices: ["keep", "alert", "ok"], otherwise: "keep", rare: true },
    { path: "message", control: "long", rare: true },
    { path: "sources", control: "map", rare: true },
    { path: "labels", control: "map", rare: true },
    { path: "annotations", control: "map", rare: true },
    { path: "whole_buckets", control: "switch", otherwise: "true", rare: true },
    { path: "profile", control: "choice", choices: ["gpuscale", "grafana-4.4"], otherwise: "gpuscale", rare: true },
  ],
  channels: [
    { path: "type", control: "choice", required: true, choices: ["trigger", "webhook", "dingtalk", "wecom", "feishu", "slack", "teams", "pagerduty", "alertmanager", "email", "exec"] },
    { path: "trigger", control: "choice", names: "triggers", required: true, of: ["trigger"] },
    { path: "url", control: "text", required: true, of: kWithUrl, discreet: true },
    { path: "routing_key", control: "secret", required: true, of: ["pagerduty"] },
    { path: "server", control: "text", required: true, of: ["email"] },
    { path: "from", control: "text", required: true, of: ["email"] },
    { path: "to", control: "texts", required: true, of: ["email"] },
    { path: "command", control: "texts", required: true, of: ["exec"] },
    { path: "signing_secret", control: "secret", of: ["webhook", "dingtalk", "feishu"] },
    { path: "user", control: "text", of: ["email"] },
    { path: "password", control: "secret", of: ["email"] },
    { path: "payload", control: "choice", choices: ["gpuscale", "grafana-4", "grafana", "alertmanager"], otherwise: "gpuscale", of: ["webhook"] },
    { path: "states", control: "texts", choices: kStates },
    { path: "timeout", control: "duration", otherwise: "10s", rare: true, of: [...kWithUrl, "pagerduty", "email", "exec"] },
    { path: "method", control: "choice", choices: ["POST", "PUT", "GET"], otherwise: "POST", of: ["webhook"], rare: true },
    { path: "headers", control: "map", of: ["webhook"], rare: true, discreet: true },
    { path: "body", control: "long", of: ["webhook"], rare: true },
    { path: "bearer", control: "secret", of: ["webhook", "alertmanager"], rare: true },
    { path: "basic.user", control: "text", of: ["webhook", "alertmanager"], rare: true },
    { path: "basic.password", control: "secret", of: ["webhook", "alertmanager"], rare: true },
    { path: "ca_file", control: "text", of: [...kWithUrl, "pagerduty", "email"], rare: true },
    { path: "client_certificate.certificate_file", control: "text", of: ["webhook", "alertmanager"], rare: true },
    { path: "client_certificate.key_file", control: "text", of: ["webhook", "alertmanager"], rare: true },
  ],
  triggers: [
    { path: "type", control: "choice", choices: [...kScaling, ...kErrands], required: true },
    { path: "pool", control: "choice", names: "pools", required: true, of: kScaling },
    { path: "step", control: "whole", otherwise: "1", of: kScaling },
    { path: "command", control: "texts", required: true, of: ["run"] },
    { path: "url", control: "text", required: true, of: ["call"], discreet: true },
    { path: "timeout", control: "duration", of: kErrands },
    { path: "cooldown", control: "duration", otherwise: "0s", of: kErrands },
    { path: "enabled", control: "switch", otherwise: "true" },
    { path: "secret", control: "secret", rare: true },
    { path: "max_step", control: "whole", otherwise: "1000", of: kScaling, rare: true },
    { path: "pool", control: "choice", names: "pools", of: kErrands, rare: true },
    { path: "method", control: "choice", choices: ["POST", "PUT", "GET"], otherwise: "POST", of: ["call"], rare: true },
    { path: "headers", control: "map", of: ["call"], rare: true, discreet: true },
    { path: "body", control: "long", of: ["call"], rare: true },
    { path: "signing_secret", control: "secret", of: ["call"], rare: true },
    { path: "bearer", control: "secret", of: ["call"], rare: true },
    { path: "basic.user", control: "text", of: ["call"], rare: true },
    { path: "basic.password", control: "secret", of: ["call"], rare: true },
    { path: "ca_file", control: "text", of: ["call"], rare: true },
    { path: "calls_per_minute", control: "whole", rare: true },
    { path: "sources", control: "texts", rare: true },
    { path: "repeat", control: "duration", otherwise: "1m", rare: true },
    { path: "on_resolved", control: "choice", names: "triggers", rare: true },
  ],
  schedules: [
    { path: "cron", control: "text" },
    { path: "at", control: "text" },
    { path: "timezone", control: "text", otherwise: "UTC" },
    { path: "for", control: "duration", otherwise: "0s" },
    { path: "pool", control: "choice", names: "pools" },
    { path: "set.min", control: "whole" },
    { path: "set.max", control: "whole" },
    { path: "set.floor", control: "whole" },
    { path: "trigger", control: "choice", names: "triggers" },
    { path: "step", control: "whole", otherwise: "1" },
    { path: "mute", control: "texts", names: "rules" },
    { path: "enabled", control: "switch", otherwise: "true" },
  ],
  pools: [
    { path: "provider.type", control: "choice", choices: ["local", "docker", "exec", "http"], otherwise: "local" },
    { path: "provider", control: "map" },
    { path: "min", control: "whole", otherwise: "1" },
    { path: "max", control: "whole", otherwise: "1" },
    { path: "cooldown.scale_out", control: "duration", otherwise: "30s" },
    { path: "cooldown.scale_in", control: "duration", otherwise: "2m" },
    { path: "boot_timeout", control: "duration", otherwise: "5m", rare: true },
    { path: "telemetry_timeout", control: "duration", otherwise: "15s", rare: true },
    { path: "drain_timeout", control: "duration", otherwise: "10m", rare: true },
    { path: "gpus_per_node", control: "whole", otherwise: "1", rare: true },
    { path: "scale_in.ceiling", control: "whole", rare: true },
    { path: "scale_in.window", control: "duration", otherwise: "1m", rare: true },
    { path: "scale_in.watch", control: "duration", otherwise: "0s", rare: true },
    { path: "scale_in.sick_after", control: "duration", otherwise: "30s", rare: true },
    { path: "scale_in.replace_percent", control: "whole", otherwise: "20", rare: true },
    { path: "scale_in.broken_percent", control: "whole", otherwise: "45", rare: true },
    { path: "limits.scale_out.nodes", control: "whole", rare: true },
    { path: "limits.scale_out.per", control: "duration", rare: true },
    { path: "limits.scale_in.nodes", control: "whole", rare: true },
    { path: "limits.scale_in.per", control: "duration", rare: true },
    { path: "limits.stabilisation.scale_out", control: "duration", otherwise: "0s", rare: true },
    { path: "limits.stabilisation.scale_in", control: "duration", otherwise: "0s", rare: true },
    { path: "limits.budget.gpu_hours", control: "whole", rare: true },
    { path: "limits.budget.money", control: "whole", rare: true },
    { path: "limits.budget.price_per_gpu_hour", control: "number", rare: true },
    { path: "limits.budget.per", control: "choice", choices: ["day", "week", "month"], otherwise: "day", rare: true },
  ],
  policies: [
    { path: "pool", control: "choice", names: "pools", required: true },
    { path: "type", control: "choice", choices: kPolicyTypes, otherwise: "lookout", told: true },
    { path: "target", control: "whole", otherwise: "60", of: ["target_tracking", "aws_step", "gce_mig"] },
    { path: "target", control: "whole", otherwise: "70", of: ["hpa", "hpa_ca"] },
    { path: "target", control: "whole", otherwise: "50", of: ["aws_tt"] },
    { path: "queries", control: "queries", required: true, of: kByValue },
    { path: "value", control: "condition", required: true, of: kByValue },
    { path: "target", control: "number", required: true, of: ["target"], help: "target.value" },
    { path: "steps", control: "steps", required: true, of: ["step"] },
    { path: "setting", control: "number", otherwise: "0.99978", of: ["lookout", "lookout_util"], help: "setting.share", rare: true },
    { path: "setting", control: "number", otherwise: "0.9995", of: ["lookout_v1_util"], help: "setting.share", rare: true },
    { path: "setting", control: "number", otherwise: "45", of: kRecipes, help: "setting.line" },
    { path: "setting", control: "whole", otherwise: "1", of: ["static"], help: "setting.nodes" },
    { path: "setting", control: "number", of: kTracking, help: "setting.fraction", rare: true },
    { path: "shadow", control: "switch", otherwise: "false" },
    { path: "boot", control: "duration", of: byUtilisation, rare: true },
  ],
};

/** What a new one begins with. */
export const kNew: Record<Kind, Definition> = {
  rules: { every: "5s", repeat: "30s", condition: "avg(C, 1m) > 45", queries: { C: 'SELECT mean("utilization_gpu") FROM "gpu" WHERE $timeFilter GROUP BY time(30s) fill(null)' } },
  channels: { type: "webhook" },
  triggers: { type: "scale_out", step: 1 },
  schedules: { cron: "30 8 * * 1-5" },
  pools: { provider: { type: "local" }, min: 1, max: 2 },
  policies: { type: "lookout", shadow: true },
  dashboards: { variables: [], panels: [] },
};

export const kKept = { secret: "set" } as const;
/** Whether a value stands for a secret that the server keeps to itself. */
export const isKept = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length === 1 && (value as { secret?: unknown }).secret === "set";

const isObject = (value: unknown): value is Definition => typeof value === "object" && value !== null && !Array.isArray(value) && !isKept(value);
const isNothing = (value: unknown) => value === undefined || value === null || value === "" || (Array.isArray(value) && !value.length) || (isObject(value) && !Object.keys(value).length);

export function at(definition: Definition, path: string): unknown {
  return path.split(".").reduce<unknown>((value, name) => (isObject(value) ? value[name] : undefined), definition);
}
/** With `path` set; what is empty is left out, and so is a mapping that loses its last key. */
export function withValue(definition: Definition, path: string, value: unknown): Definition {
  const [name, ...rest] = path.split(".");
  const next = rest.length ? withValue(isObject(definition[name]) ? (definition[name] as Definition) : {}, rest.join("."), value) : value;
  const { [name]: _, ...others } = definition;
  if (isNothing(next)) return others;
  return name in definition ? Object.fromEntries(Object.entries(definition).map(([key, each]) => [key, key === name ? next : each])) : { ...others, [name]: next };
}

/** The keys that a definition takes: a channel's by its type. */
export function keysFor(kind: Kind, definition: Definition): Key[] {
  const type = String(definition.type ?? kKeys[kind].find((key) => key.path === "type")?.otherwise ?? "");
  return kKeys[kind].filter((key) => !key.of || key.of.includes(type));
}
/** Without the keys that belong to another type. */
export function fitting(kind: Kind, definition: Definition): Definition {
  const fits = new Set(keysFor(kind, definition));
  const foreign = kKeys[kind].filter((key) => !fits.has(key) && ![...fits].some((each) => each.path === key.path));
  return foreign.reduce((all, key) => withValue(all, key.path, undefined), definition);
}
/** The required keys that are empty. */
export const missing = (kind: Kind, definition: Definition): string[] =>
  keysFor(kind, definition).filter((key) => key.required && isNothing(at(definition, key.path))).map((key) => key.path);
