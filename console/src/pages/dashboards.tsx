// SPDX-License-Identifier: Apache-2.0
/** Dashboards: charts side by side with one cursor, from a JSON text that can be edited, copied and brought along. */
import { Alert, Button, Drawer, Input, Popconfirm, Segmented, Select } from "antd";
import { useEffect, useMemo, useState } from "react";
import { part } from "../core/api";
import { useCurves } from "../core/curve";
import { allDashboards, dropDashboard, fill, keepDashboard, keptDashboards, readDashboard, showDashboard, type DashPanel } from "../core/dashboard";
import { unitOf } from "../core/format";
import { query, ql } from "../core/influx";
import { go, useParam, useSearch } from "../core/router";
import { useLooks } from "../i18n";
import { Chart } from "../parts/chart";
import { Failed, Link, PageHead, Panel, RangePicker } from "../parts/pieces";

function DashChart({ panel, range, values }: { panel: DashPanel; range: string; values: Record<string, string> }) {
  const { t } = useLooks();
  const followed = useCurves((where, bucket) => fill(panel.query, where, bucket, values), range);
  const field = /\(\s*"?(\w+)"?\s*\)/.exec(panel.query)?.[1] ?? "";
  const { curves, left, from, to } = followed.value ?? { curves: [], left: 0, from: undefined, to: undefined };
  return (
    <Panel title={panel.title} className={panel.wide ? "wide-panel" : ""} extra={<Link to={`/explore?q=${part(fill(panel.query, "$timeFilter", 0, values).replaceAll("time(0s)", "time($__interval)"))}&range=${range}`}>{t("nav.explore")}</Link>}>
      <Failed error={followed.error} />
      <Chart what={panel.title} curves={curves} unit={unitOf(field)} max={panel.max} from={from} to={to} sync="dashboard" height={panel.wide ? 240 : 190} />
      {left > 0 && <p className="quiet">{t("explore.bounded", { left })}</p>}
    </Panel>
  );
}

/** The values that each variable's tag has, for choosing. */
function useChoices(variables: string[]): Record<string, string[]> {
  const [choices, setChoices] = useState<Record<string, string[]>>({});
  const key = variables.join(",");
  useEffect(() => {
    if (!key) return;
    const abort = new AbortController();
    const names = key.split(",");
    query(names.map((name) => `SHOW TAG VALUES WITH KEY = ${ql.quoted(name)} LIMIT 1000`).join("; "), abort.signal).then(
      (results) => setChoices(Object.fromEntries(names.map((name, i) => [name, [...new Set((results[i]?.series ?? []).flatMap((series) => series.values.map((row) => String(row[1]))))].sort()]))),
      () => undefined,
    );
    return () => abort.abort();
  }, [key]);
  return choices;
}

export default function Dashboards() {
  const { t } = useLooks();
  const [name, setName] = useParam("d", "Cluster");
  const [range] = useParam("range", "15m");
  const search = useSearch();
  const [revision, setRevision] = useState(0);
  const [text, setText] = useState<string>();
  const [error, setError] = useState("");
  const all = useMemo(allDashboards, [revision]);
  const dashboard = all.find((each) => each.name === name) ?? all[0];
  const choices = useChoices(dashboard.variables);
  const values = useMemo(() => {
    const parameters = new URLSearchParams(search);
    return Object.fromEntries(dashboard.variables.map((each) => [each, parameters.get(`var-${each}`) ?? ""]));
  }, [search, dashboard]);
  const setValue = (variable: string, value: string) => {
    const parameters = new URLSearchParams(search);
    if (value) parameters.set(`var-${variable}`, value);
    else parameters.delete(`var-${variable}`);
    go(`/dashboards?${parameters}`, true);
  };
  const save = () => {
    try {
      const next = readDashboard(text ?? "");
      keepDashboard(next);
      setText(undefined);
      setError("");
      setRevision((before) => before + 1);
      setName(next.name);
    } catch (cause) {
      setError((cause as Error).message);
    }
  };
  const own = keptDashboards().some((each) => each.name === dashboard.name);
  return (
    <>
      <PageHead title={t("nav.dashboards")}>
        <Segmented aria-label={t("nav.dashboards")} value={dashboard.name} onChange={(value) => setName(String(value))} options={all.map((each) => each.name)} />
        {dashboard.variables.map((each) => (
          <Select key={each} showSearch className="variable" aria-label={each} value={values[each]} onChange={(value: string) => setValue(each, value)}
                  options={[{ value: "", label: `${each}: ${t("common.all")}` }, ...(choices[each] ?? []).map((value) => ({ value, label: value }))]} />
        ))}
        <RangePicker />
        <Button onClick={() => setText(showDashboard(dashboard))}>{t("common.edit")}</Button>
      </PageHead>
      <div className="grid">{dashboard.panels.map((panel, i) => <DashChart key={`${dashboard.name} ${i} ${panel.query}`} panel={panel} range={range} values={values} />)}</div>
      <Drawer open={text !== undefined} onClose={() => setText(undefined)} title={t("dash.edit")} width="min(760px, 100vw)"
              extra={<span className="row-tools">
                {own && <Popconfirm title={`${t("common.delete")}: ${dashboard.name}?`} okText={t("common.delete")} cancelText={t("common.cancel")} onConfirm={() => { dropDashboard(dashboard.name); setText(undefined); setRevision((before) => before + 1); }}><Button danger>{t("common.delete")}</Button></Popconfirm>}
                <Button onClick={() => void navigator.clipboard?.writeText(text ?? "")}>{t("common.copy")}</Button>
                <Button type="primary" onClick={save}>{t("common.save")}</Button>
              </span>}>
        {error && <Alert type="error" showIcon role="alert" message={error} className="gap-below" />}
        <p className="quiet">{t("dash.hint")}</p>
        <Input.TextArea className="mono" spellCheck={false} aria-label={t("dash.edit")} autoSize={{ minRows: 20 }} value={text} onChange={(event) => setText(event.target.value)} />
      </Drawer>
    </>
  );
}
