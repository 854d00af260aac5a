// SPDX-License-Identifier: Apache-2.0
/** One rule: what it looks at, its threshold to be dragged, and what it would have done with it. */
import { Alert, App, Button, Input, Popconfirm, Spin } from "antd";
import { useEffect, useMemo, useState } from "react";
import { ApiError, call, get, part } from "../core/api";
import { parse, preview, roundTo, seconds, terms, withThreshold } from "../core/condition";
import { paceOf, windowOf } from "../core/curve";
import { useFollowed } from "../core/data";
import { percent, unitOf, when } from "../core/format";
import { curvesOf, inRange, select, type Curve } from "../core/influx";
import { fieldsOf, filled, find, usePaths } from "../core/openapi";
import { go, useParam } from "../core/router";
import { toYaml } from "../core/rule_config";
import { useMay } from "../core/session";
import type { Channel, Entry, Rule } from "../core/types";
import { useLooks } from "../i18n";
import { ActivityList } from "../parts/activity_list";
import { Chart, type Threshold } from "../parts/chart";
import { FormDialog } from "../parts/schema_form";
import { Command, Failed, Heart, isDeclared, Link, Origin, PageHead, Panel, RangePicker, Time } from "../parts/pieces";

interface Silence {
  id: string;
  rule: string;
  until: string;
  who: string;
  comment: string;
}

/** A looked-at stretch has at most so many evaluations; longer ones are looked at more coarsely. */
const kMostLooks = 1500;
const kShownHistory = 20;

async function curvesFor(queries: Record<string, string>, range: string, signal: AbortSignal) {
  const window = windowOf(range);
  const answers = await Promise.all(Object.entries(queries).map(async ([ref, text]) =>
    [ref, curvesOf(await select(inRange(text, window.from * 1000, Math.min(window.to * 1000, Date.now()), window.bucket), signal), 50).curves] as const));
  return { ...window, curves: Object.fromEntries(answers) as Record<string, Curve[]> };
}

/** Saves a rule's new condition by whatever call the server has for it. */
function useSave(rule: Rule | undefined) {
  const paths = usePaths();
  const to = find(paths, "PATCH /api/v1/rules/{name}", "PUT /api/v1/rules/{name}");
  const save = async (changes: Record<string, unknown>) => {
    const keys = new Set(fieldsOf(paths!, to!).map((field) => field.name));
    const whole = to!.method === "PUT" ? Object.fromEntries(Object.entries(rule!).filter(([key]) => keys.has(key))) : {};
    const guard = Object.fromEntries(Object.entries({ version: rule!.version, revision: rule!.revision }).filter(([key, value]) => value !== undefined && keys.has(key)));
    await call(to!.method, filled(to!.path, rule!.name), { ...whole, ...guard, ...changes });
  };
  return { paths, to, save: to && rule && !isDeclared(rule) ? save : undefined };
}

export default function RulePage({ name }: { name: string }) {
  const { t, language } = useLooks();
  const { message } = App.useApp();
  const admin = useMay("admin");
  const known = usePaths();
  const [silencing, setSilencing] = useState(false);
  const [range] = useParam("range", "1h");
  const rules = useFollowed((signal) => get<{ rules: Rule[] }>("/api/v1/rules", signal), [], 5000);
  const channels = useFollowed((signal) => get<{ channels: Channel[] }>("/api/v1/channels", signal), [], 0, false);
  const history = useFollowed((signal) => get<{ activity: Entry[] }>("/api/v1/activity?kind=rule.&limit=2000", signal), [name]);
  const listed = !!find(known, "GET /api/v1/silences");
  const silences = useFollowed(async (signal) => (listed ? (await get<{ silences: Silence[] }>("/api/v1/silences", signal)).silences : []), [listed], 30_000);
  const rule = rules.value?.rules.find((each) => each.name === name);
  const { paths, to, save } = useSave(rule);
  const [draft, setDraft] = useState<string>();
  const [base, setBase] = useState<string>();
  const [editing, setEditing] = useState(false);
  const condition = draft ?? rule?.condition ?? "";
  const data = useFollowed((signal) => (rule ? curvesFor(rule.queries, range, signal) : Promise.resolve(undefined)), [rule?.queries, range], Math.max(paceOf(windowOf(range).bucket), 5000), false);

  // What a person is dragging is kept, even when somebody else saves meanwhile; then both are told.
  useEffect(() => {
    if (draft === undefined) setBase(rule?.condition);
  }, [rule?.condition, draft]);
  const conflict = draft !== undefined && base !== undefined && rule !== undefined && base !== rule.condition;

  const tree = useMemo(() => parse(condition), [condition]);
  const list = useMemo(() => terms(tree), [tree]);
  const curves = useMemo(() => Object.values(data.value?.curves ?? {}).flat(), [data.value]);
  const field = /\(\s*"?(\w+)"?\s*\)/.exec(Object.values(rule?.queries ?? {})[0] ?? "")?.[1] ?? "";
  const unit = unitOf(field);
  const percentage = field.startsWith("utilization");
  const highest = useMemo(() => Math.max(...curves.flatMap((curve) => curve.values.map((value) => value ?? 0)), ...list.map((term) => term.threshold), 1), [curves, list]);
  const would = useMemo(() => {
    if (!tree || !data.value || !rule) return undefined;
    const longest = Math.max(...terms(tree).map((term) => term.window + term.delay), 0);
    const from = data.value.from + longest;
    const end = Math.min(data.value.to, Date.now() / 1000);
    const every = Math.max(seconds(rule.every) || 5, data.value.bucket, (end - from) / kMostLooks);
    return { ...preview(tree, data.value.curves, from, end, every, seconds(rule.for) || 0), every };
  }, [tree, data.value, rule]);
  const thresholds = useMemo<Threshold[]>(() => list.map((term, i) => ({
    value: term.threshold,
    label: `${term.test} ${unit(term.threshold)}`,
    aria: t("rules.threshold.aria", { term: `${term.reducer}(${term.ref})` }),
    onChange: (value) => setDraft((before) => {
      const text = before ?? rule?.condition ?? "";
      return withThreshold(text, i, roundTo(value, percentage ? 100 : highest));
    }),
  })), [list, rule?.condition, highest, t, field]);

  if (!rules.value) return rules.error ? <Failed error={rules.error} again={rules.again} /> : <Spin className="page-spin" />;
  if (!rule) return <><PageHead title={name}><Link to="/rules">{t("rules.back")}</Link></PageHead><p>{t("rules.notfound")}</p></>;

  const run = async (work: () => Promise<unknown>, after?: () => void) => {
    try {
      await work();
      after?.();
      rules.again();
    } catch (cause) {
      const fault = cause as ApiError;
      message.error(fault.status === 409 || fault.status === 412 ? t("rules.conflict") : fault.message);
    }
  };
  const pause = find(paths, "POST /api/v1/rules/{name}/pause");
  const resume = find(paths, "POST /api/v1/rules/{name}/resume", "POST /api/v1/rules/{name}/unpause");
  const test = find(paths, "POST /api/v1/rules/{name}/test");
  const remove = find(paths, "DELETE /api/v1/rules/{name}");
  const silence = find(paths, "POST /api/v1/silences");
  const quiet = (silences.value ?? []).filter((each) => !each.rule || each.rule === name);
  const held = rule.state === "paused" || rule.paused === true;
  const toggle = held ? resume : pause;
  const share = would ? would.fired.reduce((sum, [from, end]) => sum + end - from + would.every, 0) / Math.max(would.looked * would.every, 1) : 0;
  const changed = draft !== undefined && draft !== rule.condition;
  const entries = (history.value?.activity ?? []).filter((entry) => entry.subject === name).reverse();
  return (
    <>
      <PageHead title={<>{name} <Heart state={rule.state} /> <Origin item={rule} /></>}>
        <Link to="/rules">{t("rules.back")}</Link>
        <RangePicker initial="1h" />
        {admin && test && <Button onClick={() => run(async () => { const answer = await call<{ explanation?: string }>(test.method, filled(test.path, name)); message.info(answer?.explanation ?? t("common.done")); })}>{t("common.test")}</Button>}
        {admin && toggle && <Button onClick={() => run(() => call(toggle.method, filled(toggle.path, name)))}>{held ? t("rules.unmute") : t("rules.mute")}</Button>}
        {admin && silence && <Button onClick={() => setSilencing(true)}>{t("rules.silence")}</Button>}
        {admin && save && <Button onClick={() => setEditing(true)}>{t("common.edit")}</Button>}
        {admin && remove && !isDeclared(rule) && (
          <Popconfirm title={`${t("common.delete")}: ${name}?`} okText={t("common.delete")} cancelText={t("common.cancel")} onConfirm={() => run(() => call(remove.method, filled(remove.path, name)), () => go("/rules"))}>
            <Button danger>{t("common.delete")}</Button>
          </Popconfirm>
        )}
      </PageHead>
      <Failed error={data.error ?? rules.error} again={data.again} />
      {conflict && <Alert type="warning" showIcon className="gap-below" message={t("rules.conflict")} description={<code>{rule.condition}</code>} />}
      {rule.muted_by && <Alert type="info" showIcon className="gap-below" message={t("rules.muted", { by: rule.muted_by })} />}
      {quiet.map((each) => (
        <Alert key={each.id} type="info" showIcon className="gap-below" message={t("rules.silenced", { until: when(each.until, language), who: each.who, comment: each.comment || "–" })}
               action={admin && <Button size="small" onClick={() => run(() => call("DELETE", `/api/v1/silences/${part(each.id)}`), silences.again)}>{t("rules.silence.lift")}</Button>} />
      ))}
      <Panel title={t("rules.chart")} extra={<span className="quiet">{rule.last_error || rule.explanation} · <Time at={rule.evaluated_at} /></span>}>
        <Chart what={name} curves={curves} unit={unit} max={percentage ? 100 : undefined} thresholds={thresholds} bands={would?.fired} from={data.value?.from} to={data.value?.to} height={340} />
        <div className="preview" role="status" data-testid="preview">
          {!tree ? t("rules.preview.unknown") : !would ? t("common.loading") : would.fired.length ? t("rules.preview", { n: would.fired.length, share: percent(share * 100) }) : t("rules.preview.none")}
          {would && would.blind > 0 ? ` ${t("rules.preview.blind", { n: would.blind, all: would.looked })}` : ""}
        </div>
        <label className="condition-edit">{t("rules.condition")}
          <Input value={condition} onChange={(event) => setDraft(event.target.value)} spellCheck={false} className="mono" aria-label={t("rules.condition")} />
        </label>
        {changed && (
          <div className="row-tools gap-above" data-testid="changed">
            <span>{t("rules.changed", { from: rule.condition, to: condition })}</span>
            {save && admin && <Button type="primary" size="small" onClick={() => run(() => save({ condition }), () => setDraft(undefined))}>{t("rules.save")}</Button>}
            <Button size="small" onClick={() => setDraft(undefined)}>{t("rules.reset")}</Button>
          </div>
        )}
        {!save && <><p className="quiet">{t("rules.declared")}</p><h4>{t("rules.copy")}</h4><Command text={toYaml({ ...rule, condition })} /></>}
      </Panel>
      <Panel>
        <dl className="facts">
          <div><dt>{t("rules.every")}</dt><dd>{rule.every}</dd></div>
          <div><dt>{t("rules.for")}</dt><dd>{rule.for}</dd></div>
          <div><dt>{t("rules.repeat")}</dt><dd>{rule.repeat}</dd></div>
          <div><dt>{t("rules.notify")}</dt><dd>{rule.notify.join(", ") || "–"}</dd></div>
          <div><dt>{t("rules.since")}</dt><dd><Time at={rule.since} /></dd></div>
          {Object.entries(rule.queries).map(([ref, text]) => (
            <div key={ref}><dt>{t("rules.query")} {ref}</dt><dd><code>{text}</code> <Link to={`/explore?q=${part(text)}&range=${range}`}>{t("nav.explore")}</Link></dd></div>
          ))}
        </dl>
      </Panel>
      {(rule.instances?.length ?? 0) > 0 && (
        <Panel title={t("rules.instances")}>
          <div className="table-wrap">
            <table className="plain"><thead><tr><th>{t("common.state")}</th><th>{t("common.name")}</th><th>{t("rules.value")}</th><th>{t("rules.since")}</th></tr></thead>
              <tbody>{rule.instances!.slice(0, 200).map((each) => {
                const labels = Object.entries(each.labels).map(([key, value]) => `${key}=${value}`).join(", ") || "–";
                return <tr key={labels}><td><Heart state={each.state} /></td><td className="name">{labels}</td><td className="number">{unit(each.value)}</td><td className="number"><Time at={each.since} /></td></tr>;
              })}</tbody>
            </table>
          </div>
        </Panel>
      )}
      <Panel title={t("rules.history")}><ActivityList entries={entries.slice(0, kShownHistory)} />{entries.length > kShownHistory && <Link to={`/activity?kind=rule&q=${part(name)}`}>{t("activity.more")}</Link>}</Panel>
      {silencing && paths && silence && (
        <FormDialog title={`${t("rules.silence")}: ${name}`} paths={paths} to={silence} fixed={["rule"]} initial={{ rule: name, for: "1h" }} onClose={() => setSilencing(false)} onDone={() => { setSilencing(false); silences.again(); rules.again(); }} />
      )}
      {editing && paths && to && (
        <FormDialog title={name} paths={paths} to={to} item={name} fixed={["name"]} initial={{ ...(rule as unknown as Record<string, unknown>), condition }} choices={{ notify: (channels.value?.channels ?? []).map((each) => each.name) }}
                    onClose={() => setEditing(false)} onDone={() => { setEditing(false); setDraft(undefined); rules.again(); }} />
      )}
    </>
  );
}
