// SPDX-License-Identifier: Apache-2.0
/** What a rule looks at, its thresholds to be dragged, and when it would have fired. The rule may be one that is still being
 * written: what cannot be drawn yet is said. */
import { Input } from "antd";
import { useEffect, useMemo, useState } from "react";
import { get } from "../core/api";
import { calculatedCurves, holds, numbers, preview, type Facts } from "../core/condition";
import { lines, parse, read, reductions, roundTo, seconds, tests, withThreshold } from "../core/condition_text";
import type { Definition } from "../core/definitions";
import type { FieldFault } from "../core/editing";
import { paceOf, windowOf } from "../core/curve";
import { useFollowed } from "../core/data";
import { number, percent, span, unitOf } from "../core/format";
import { coarsened, curvesOf, inRange, select, type Curve } from "../core/influx";
import { useParam } from "../core/router";
import type { Pool } from "../core/types";
import { useLooks } from "../i18n";
import { Chart, type Threshold } from "./chart";
import { Faults, Misread } from "./misread";
import { Failed } from "./pieces";

const kRest = 500;
/** `value` once it has rested for half a second: what is being typed is not asked for at each key. */
function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  const key = JSON.stringify(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), kRest);
    return () => clearTimeout(timer);
    // eslint-disable-next-line
  }, [key]);
  return settled;
}

export interface Previewed {
  name: string;
  queries: Record<string, string>;
  condition: string;
  recover?: string;
  every?: string;
  for?: string;
  keep_firing_for?: string;
  pool?: string;
  profile?: string;
  sources?: Record<string, string>; // of queries that are asked elsewhere
}

/** A looked-at stretch has at most so many evaluations; longer ones are looked at more coarsely. */
const kMostLooks = 1500;
const kMostSeries = 50;

async function curvesFor(queries: Record<string, string>, range: string, signal: AbortSignal) {
  const window = windowOf(range);
  const buckets: number[] = [];
  const answers = await Promise.all(Object.entries(queries).filter(([, text]) => text.includes("$timeFilter")).map(async ([ref, whole]) => {
    const { text, bucket } = coarsened(whole, window.to - window.from, window.bucket);
    if (text !== whole) buckets.push(bucket);
    return [ref, curvesOf(await select(inRange(text, window.from * 1000, Math.min(window.to * 1000, Date.now()), window.bucket), signal), kMostSeries).curves] as const;
  }));
  return { ...window, coarse: Math.max(0, ...buckets), curves: Object.fromEntries(answers) as Record<string, Curve[]> };
}

function factsOf(pools: Pool[] | undefined, name: string | undefined): Facts {
  const pool = name ? pools?.find((each) => each.name === name) : pools?.length === 1 ? pools[0] : undefined;
  if (!pool) return {};
  const { launching, booting, ready, draining } = pool.counts;
  return { ready_nodes: ready, capacity_nodes: launching + booting + ready, draining_nodes: draining, desired_nodes: pool.desired, min_nodes: pool.min, max_nodes: pool.max };
}
const namesFacts = (text: string) => /\b\w+_nodes\b/.test(text);

const some = (value: unknown): string | undefined => (value === undefined || value === null ? undefined : String(value));
/** A definition as far as it can be previewed while it is written. */
export function previewed(name: string, definition: Definition): Previewed {
  const queries = typeof definition.queries === "object" && definition.queries ? Object.entries(definition.queries).map(([ref, text]) => [ref, String(text)]) : [];
  return {
    name, queries: Object.fromEntries(queries) as Record<string, string>, condition: some(definition.condition) ?? "", recover: some(definition.recover), every: some(definition.every),
    for: some(definition.for), keep_firing_for: some(definition.keep_firing_for), pool: some(definition.pool), profile: some(definition.profile),
    sources: typeof definition.sources === "object" && definition.sources ? (definition.sources as Record<string, string>) : undefined,
  };
}

/** @param faults the server's, of the condition */
export function RulePreview({ rule, onCondition, faults = [] }: { rule: Previewed; onCondition: (condition: string) => void; faults?: FieldFault[] }) {
  const { t } = useLooks();
  const [range] = useParam("range", "1h");
  const { condition } = rule;
  const elsewhere = Object.keys(rule.sources ?? {});
  const queries = useSettled(Object.fromEntries(Object.entries(rule.queries).filter(([ref]) => !elsewhere.includes(ref))));
  const data = useFollowed((signal) => curvesFor(queries, range, signal), [queries, range], Math.max(paceOf(windowOf(range).bucket), 5000), false);
  const asksFacts = namesFacts(condition) || namesFacts(rule.recover ?? "");
  const pools = useFollowed(async (signal) => (asksFacts ? (await get<{ pools: Pool[] }>("/api/v1/pools", signal)).pools : undefined), [asksFacts], 15_000);
  const facts = useMemo(() => factsOf(pools.value, rule.pool), [pools.value, rule.pool]);

  const { tree, fault } = useMemo(() => read(condition), [condition]);
  const list = useMemo(() => lines(tree ?? null), [tree]);
  const grafana = rule.profile === "grafana-4.4";
  const unseen = grafana || elsewhere.length > 0;
  const look = useMemo(() => {
    if (!data.value) return undefined;
    const longest = Math.max(0, ...tests(tree ?? null).flatMap((test) => [test.left, ...test.right].flatMap(reductions)).map((each) => each.window + each.delay));
    const end = Math.min(data.value.to, Date.now() / 1000);
    const from = Math.min(data.value.from + longest, end);
    return { from, end, every: Math.max(seconds(rule.every ?? "5s") || 5, data.value.coarse, (end - from) / kMostLooks, 0.5) };
  }, [data.value, tree, rule.every]);

  const calculated = list.filter((line) => line.measured.kind !== "reduction");
  const curves = useMemo(() => {
    const all = data.value?.curves ?? {};
    const plain = new Set(list.flatMap((line) => (line.measured.kind === "reduction" ? [line.measured.ref] : [])));
    const drawn = plain.size || calculated.length ? Object.entries(all).filter(([ref]) => plain.has(ref)).flatMap(([, each]) => each) : Object.values(all).flat();
    if (!look || !data.value) return drawn;
    const every = Math.max(look.every, data.value.bucket);
    return [...drawn, ...calculated.flatMap((line) => calculatedCurves(line.said, line.measured, all, facts, look.from, look.end, every).slice(0, kMostSeries))];
  }, [data.value, list, look, facts]);

  const field = /\(\s*"?(\w+)"?\s*\)/.exec(Object.values(rule.queries)[0] ?? "")?.[1] ?? "";
  const unit = calculated.length ? (value: number | null) => number(value, 2) : unitOf(field);
  const percentage = field.startsWith("utilization") && !calculated.length;
  const highest = useMemo(() => curves.reduce((top, curve) => curve.values.reduce<number>((most, value) => Math.max(most, value ?? 0), top), Math.max(1, ...list.map((line) => line.threshold))), [curves, list]);
  const would = useMemo(() => {
    if (!tree || !data.value || !look || unseen) return undefined;
    const judge = { tree, recover: rule.recover ? parse(rule.recover) : null, holdFor: seconds(rule.for ?? "0s") || 0, keepFor: seconds(rule.keep_firing_for ?? "0s") || 0, facts };
    return preview(judge, data.value.curves, look.from, look.end, look.every);
  }, [tree, data.value, look, unseen, rule.recover, rule.for, rule.keep_firing_for, facts]);
  const thresholds = useMemo<Threshold[]>(() => list.map((line, i) => ({
    value: line.threshold,
    label: `${line.relation} ${unit(line.threshold)}`,
    aria: t("rules.threshold.aria", { term: line.said || t("rules.value") }),
    onChange: (value) => onCondition(withThreshold(condition, i, roundTo(value, percentage ? 100 : highest))),
  })), [list, condition, highest, t, field, onCondition]);

  const present = useMemo(() => {
    if (!tree || !data.value || !look || unseen) return undefined;
    const values = tests(tree).flatMap((test) => {
      const known = numbers(test.left, data.value!.curves, facts, look.end).flatMap((each) => (each.value === null ? [] : [each.value]));
      return [`${test.said} = ${known.length ? number(Math.max(...known), 2) : "–"}`];
    });
    const verdict = holds(tree, data.value.curves, look.end, facts);
    return t(verdict === null ? "rules.now.unknown" : verdict ? "rules.now.yes" : "rules.now.no", { values: [...new Set(values)].join(", ") });
  }, [tree, data.value, look, unseen, facts, t]);

  const share = would && look ? would.fired.reduce((sum, [from, end]) => sum + end - from + look.every, 0) / Math.max(would.looked * look.every, 1) : 0;
  const said = () => {
    if (grafana) return t("rules.preview.grafana");
    if (elsewhere.length) return t("rules.preview.sources", { which: Object.entries(rule.sources ?? {}).map(([ref, source]) => `${ref} (${source})`).join(", ") });
    if (fault) return t("rules.preview.unread");
    if (!would) return t("common.loading");
    return would.fired.length ? t(would.fired.length === 1 ? "rules.preview.once" : "rules.preview", { n: would.fired.length, share: percent(Math.min(share, 1) * 100) }) : t("rules.preview.none");
  };
  const notes = [
    would && would.blind > 0 ? t("rules.preview.blind", { n: would.blind, all: would.looked }) : "",
    would && asksFacts ? t("rules.preview.facts") : "",
    would && data.value?.coarse ? t("rules.preview.coarse", { bucket: span(data.value.coarse) }) : "",
  ].filter(Boolean);
  return (
    <>
      <Failed error={data.error} again={data.again} />
      <Chart what={rule.name} curves={curves} unit={unit} max={percentage ? 100 : undefined} thresholds={thresholds} bands={would?.fired} from={data.value?.from} to={data.value?.to} height={340} />
      <div className="preview" role="status" data-testid="preview">{said()}{present && <div className="quiet" data-testid="now">{present}</div>}{notes.length > 0 && <span className="quiet"> {notes.join(" ")}</span>}</div>
      <label className="condition-edit">{t("rules.condition")}
        <Input.TextArea value={condition} onChange={(event) => onCondition(event.target.value)} spellCheck={false} autoSize={{ minRows: 1, maxRows: 8 }} className="mono" aria-label={t("rules.condition")} aria-invalid={!!fault}
                        status={fault ? "error" : undefined} />
      </label>
      {fault ? <Misread text={condition} line={fault.line} column={fault.column} words={fault.text} /> : <Faults faults={faults} text={condition} />}
    </>
  );
}
