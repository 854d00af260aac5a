// SPDX-License-Identifier: Apache-2.0
/** The cluster at a glance: what it does, how large it is, what was decided and why. */
import { Segmented, Spin } from "antd";
import { useMemo, type ReactNode } from "react";
import { ApiError, get, part } from "../core/api";
import { patient, useCurves, windowOf } from "../core/curve";
import { useFollowed } from "../core/data";
import { number, percent, span, unitOf } from "../core/format";
import { hoursOf, kHoursBucket } from "../core/gpu_hours";
import { ql, query, select, type StatementResult } from "../core/influx";
import { useNow } from "../core/live";
import { marksOf, thresholdsOf } from "../core/marks";
import { useParam } from "../core/router";
import type { Entry, Pool, Status } from "../core/types";
import { useLooks } from "../i18n";
import { ActivityList } from "../parts/activity_list";
import { Chart } from "../parts/chart";
import { FirstRun } from "../parts/first_run";
import { applied, Failed, Heart, Hint, Link, PageHead, Panel, Phase, RangePicker } from "../parts/pieces";
import { PhaseReason } from "../parts/said";

/** So long, in seconds, a node is there without a report. */
const kLateReport = 5;
const millis = unitOf("_ms");

const kPool = "pools:\n  - {name: gpu, provider: {type: local}, min: 2, max: 6}";

/** Of what happened: what rules saw, what was decided and what became of it. Messages and calls that went well stand in their
 * episode, and would push all else away while a rule tells again and again. */
const kShownEntries = 14;
const kShownKinds = "rule.,pool.,node.,policy.,config.,trigger.refused,message.failed,message.expired,channel.rests";

function Stat({ label, value, more }: { label: string; value: ReactNode; more?: ReactNode }) {
  return <div className="stat"><div className="stat-label">{label}</div><div className="stat-value">{value}</div><div className="stat-more">{more}</div></div>;
}

function cooldown(pool: Pool, now: number, t: ReturnType<typeof useLooks>["t"]): string {
  const left = (until?: string | null) => (until ? (Date.parse(until) - now) / 1000 : 0);
  const out = left(pool.cooldown_out_until);
  const back = left(pool.cooldown_in_until);
  return [out > 0 && t("overview.cooldown.out", { age: span(out) }), back > 0 && t("overview.cooldown.in", { age: span(back) })].filter(Boolean).join(", ");
}

/** The newest of what GPUs and served models said: each a number or unknown. */
async function nowValues(where: string, signal: AbortSignal) {
  const lately = `WHERE time > now() - 15s${where}`;
  const [gpus, nodes, served, servers, failed] = await query([
    `SELECT mean(utilization_gpu), max(utilization_gpu_max), mean(queue_depth), mean(saturation) FROM gpu ${lately}`,
    `SELECT sum(d) FROM (SELECT last(devices_ok) AS d FROM node ${lately} GROUP BY node)`,
    `SELECT sum(requests), max(latency_p99_ms), mean(request_latency_ms) FROM inference ${lately}`,
    `SELECT sum(w) FROM (SELECT last(requests_waiting) AS w FROM inference ${lately} GROUP BY node, server)`,
    // Servers count their failures without end: what came within the minute is the spread.
    `SELECT sum(s) FROM (SELECT spread(requests_failed_total) AS s FROM inference WHERE time > now() - 1m${where} GROUP BY node, server)`,
  ].join("; "), signal);
  const cell = (result: StatementResult | undefined, column: number) => {
    const value = result?.series?.[0]?.values[0]?.[column];
    return typeof value === "number" ? value : null;
  };
  if (gpus?.error) throw new ApiError(400, gpus.error);
  const requests = cell(served, 1);
  return {
    mean: cell(gpus, 1), peak: cell(gpus, 2), queue: cell(gpus, 3), saturation: cell(gpus, 4), devices: cell(nodes, 1), served: requests === null ? null : requests / 15,
    p99: cell(served, 2), latency: cell(served, 3), waiting: cell(servers, 1), lost: cell(failed, 1),
  };
}

async function gpuHours(where: string, signal: AbortSignal) {
  const midnight = new Date().setHours(0, 0, 0, 0);
  const [day] = await select(`SELECT sum(s), max(n) FROM (SELECT sum(devices_ok) AS s, count(devices_ok) AS n FROM node WHERE time >= ${midnight}ms${where} GROUP BY time(10m), node) WHERE time >= ${midnight}ms GROUP BY time(10m) fill(none)`, signal);
  const buckets = (day?.values ?? []).map(([time, sum, most]) => ({ time: Number(time), sum: Number(sum), most: Number(most) }));
  const first = buckets[0]?.time;
  const [report] = first === undefined ? [] : await select(`SELECT first(devices_ok) FROM node WHERE time >= ${first}ms AND time < ${first + kHoursBucket}ms${where}`, signal);
  return hoursOf(buckets, Number(report?.values[0]?.[0] ?? first), Date.now());
}

export function Overview() {
  const { t } = useLooks();
  const now = useNow(1000);
  const [range] = useParam("range", "15m");
  const [pool, setPool] = useParam("pool", "");
  const where = pool ? ` AND pool = ${ql.literal(pool)}` : "";
  const status = useFollowed((signal) => get<Status>("/api/v1/status", signal), [], 5000);
  const since = new Date(windowOf(range).from * 1000).toISOString();
  const happened = useFollowed((signal) => get<{ activity: Entry[] }>(`/api/v1/activity?limit=1000&kind=pool.desired&since=${part(since)}`, signal), [range], 0);
  const lost = useFollowed((signal) => get<{ activity: Entry[] }>(`/api/v1/activity?limit=200&kind=node.lost&since=${part(since)}`, signal), [range], 0);
  const recent = useFollowed((signal) => get<{ activity: Entry[] }>(`/api/v1/activity?limit=${kShownEntries}&kind=${kShownKinds}`, signal), [], 0);
  const live = useFollowed((signal) => nowValues(where, signal), [where], 5000, false);
  const hours = useFollowed((signal) => gpuHours(where, signal), [where], 60_000, false);
  const usage = useCurves((span_, bucket) => `SELECT mean(utilization_gpu) AS mean, max(utilization_gpu_max) AS busiest, mean(saturation) AS saturation FROM gpu WHERE ${span_}${where} GROUP BY time(${bucket}s) fill(null)`, range);
  const sizes = useCurves((span_, bucket) => `SELECT sum(d) AS nodes FROM (SELECT count(devices_ok) / count(devices_ok) AS d FROM node WHERE ${span_}${where} GROUP BY time(${bucket}s), node) WHERE ${span_} GROUP BY time(${bucket}s) fill(null)`, range);

  const pools = status.value?.pools ?? [];
  const shown = pool ? pools.filter((each) => each.name === pool) : pools;
  const sum = (pick: (each: Pool) => number) => shown.reduce((total, each) => total + pick(each), 0);
  const worst = ["degraded", "scaling_out", "scaling_in", "held"].find((phase) => shown.some((each) => each.phase === phase)) ?? shown[0]?.phase ?? "unknown";
  const said = shown.find((each) => each.phase === worst);
  const marks = useMemo(() => marksOf([...(happened.value?.activity ?? []), ...(lost.value?.activity ?? [])].sort((a, b) => a.id - b.id), t, pool), [happened.value, lost.value, t, pool]);
  const thresholds = useMemo(() => ["utilization_gpu", "saturation"].flatMap((field) => thresholdsOf(status.value?.rules ?? [], "gpu", field)), [status.value?.rules]);
  const curves = useMemo(() => {
    const names: [string, string][] = [["mean", t("overview.mean")], ["busiest", t("overview.peak")], ["saturation", t("field.saturation")]];
    return (usage.value?.curves ?? []).map((curve) => ({ ...curve, label: names.find(([column]) => curve.label.endsWith(` ${column}`))?.[1] ?? curve.label }));
  }, [usage.value, t]);
  const size = useMemo(
    () => (sizes.value?.curves ?? []).map((curve) => ({ ...curve, label: t("overview.size"), values: patient(curve.values, sizes.value!.bucket, kLateReport) })),
    [sizes.value, t],
  );

  if (!status.value) return status.error ? <Failed error={status.error} again={status.again} /> : <Spin className="page-spin" />;
  const nothingYet = usage.value && !curves.length && live.value && live.value.mean === null;
  const perNode = live.value?.devices && sum((each) => each.counts.ready) ? live.value.devices / sum((each) => each.counts.ready) : 1;
  const parked = sum((each) => each.counts.parked ?? 0);
  const money = sum((each) => each.budget?.used_money ?? 0);
  const used = hours.value?.hours;
  const saved = hours.value && Math.max(0, sum((each) => each.max) * perNode * hours.value.covered - hours.value.hours);
  const window_ = usage.value ?? { from: undefined, to: undefined };
  return (
    <>
      <PageHead title={status.value.cluster || t("nav.overview")}>
        {pools.length > 1 && <Segmented aria-label={t("common.pool")} value={pool} onChange={(value) => setPool(String(value))} options={[{ value: "", label: t("common.all") }, ...pools.map((each) => each.name)]} />}
        <RangePicker />
      </PageHead>
      <Failed error={status.error ?? usage.error} again={() => { status.again(); usage.again(); }} />
      {nothingYet && <FirstRun />}
      {!pools.length && <Hint title={t("pools.empty.title")} text={t("overview.nopool")} command={applied("pool", kPool)} />}
      <div className="stats">
        <Stat label={t("overview.state")} value={<Phase phase={worst} />} more={<><PhaseReason pool={said} />{shown.map((each) => cooldown(each, now, t)).filter(Boolean).map((text) => <div key={text}>{text}</div>)}</>} />
        <Stat label={t("overview.nodes")} value={<span data-testid="ready">{sum((each) => each.counts.ready)}</span>}
              more={<>{t("overview.nodes.of", { desired: sum((each) => each.desired) })}<div>{t("overview.nodes.bounds", { min: sum((each) => each.min), max: sum((each) => each.max) })}</div>{parked > 0 && <div title={t("node.parked.hint")}>{t("pools.parked", { n: parked })}</div>}</>} />
        <Stat label={t("overview.gpus")} value={number(live.value?.devices, 0)} />
        <Stat label={t("overview.utilization.now")} value={percent(live.value?.mean)} more={<>{t("overview.peak")}: {percent(live.value?.peak)}<div>{t("field.saturation")}: {percent(live.value?.saturation)}</div></>} />
        <Stat label={t("overview.demand")} value={live.value?.served == null ? "–" : t("overview.served", { n: number(live.value.served) })}
              more={<>{live.value?.p99 == null && live.value?.latency != null ? `${t("overview.latency")}: ${millis(live.value.latency)}` : `${t("overview.p99")}: ${millis(live.value?.p99 ?? null)}`}
                {live.value?.waiting != null ? <div>{t("field.requests_waiting")}: {number(live.value.waiting, 0)}</div> : <div>{t("overview.saturation")}: {number(live.value?.queue, 2)}</div>}{live.value?.lost != null && <div className={live.value.lost > 0 ? "bad" : ""}>{t("overview.lost")}: {t("overview.lost.n", { n: number(live.value.lost, 0) })}</div>}</>} />
        <Stat label={t("overview.hours")} value={used === undefined ? "–" : `${number(used, used < 10 ? 2 : 0)} h`}
              more={saved === undefined ? "" : t("overview.hours.saved", { saved: `${number(saved, saved < 10 ? 2 : 0)} h`, max: sum((each) => each.max) }) + (money > 0 ? ` · ${t("overview.money", { money: number(money, 2) })}` : "")} />
      </div>
      <Panel title={t("overview.chart")}>
        <Chart what={t("overview.chart")} curves={curves} unit={percent} max={100} thresholds={thresholds} marks={marks} from={window_.from} to={window_.to} sync="overview" fill height={300} />
        <p className="quiet">{t("overview.chart.hint")}</p>
      </Panel>
      <Panel title={t("overview.size")}>
        <Chart what={t("overview.size")} curves={size} unit={(value) => number(value, 0)} whole max={sum((each) => each.max)} marks={marks} from={window_.from} to={window_.to} sync="overview" step fill height={130} legend={false} />
      </Panel>
      <div className="columns">
        <Panel title={t("overview.activity")} extra={<Link to="/activity">{t("overview.activity.all")}</Link>}>
          <Failed error={recent.error} />
          <ActivityList entries={[...(recent.value?.activity ?? [])].reverse()} />
        </Panel>
        <Panel title={t("overview.rules")} extra={<Link to="/rules">{t("rules.back")}</Link>}>
          <ul className="rule-lines">
            {status.value.rules.map((rule) => (
              <li key={rule.name}><Heart state={rule.state} /> <Link to={`/rules/${part(rule.name)}`}>{rule.name}</Link><div className="quiet">{rule.last_error || rule.explanation}</div></li>
            ))}
          </ul>
          {!status.value.rules.length && <p className="quiet">{t("rules.empty")}</p>}
        </Panel>
      </div>
    </>
  );
}
