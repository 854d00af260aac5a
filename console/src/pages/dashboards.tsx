// SPDX-License-Identifier: Apache-2.0
/** Dashboards: charts side by side with one cursor and one zoom over all of them. */
import { App, Button, Popconfirm, Select } from "antd";
import { useEffect, useMemo, useRef, useState } from "react";
import { ApiError, get, part } from "../core/api";
import { seconds } from "../core/condition_text";
import { useCurves } from "../core/curve";
import { allDashboards, dashboardOf, definitionOf, fill, shownName, whyEmpty, type Dashboard, type DashPanel } from "../core/dashboard";
import { useFollowed } from "../core/data";
import type { Stored } from "../core/editing";
import { remove } from "../core/editor";
import { unitOf } from "../core/format";
import { query, ql } from "../core/influx";
import { go, useParam, useSearch } from "../core/router";
import { useMay } from "../core/session";
import { useLooks } from "../i18n";
import { Chart } from "../parts/chart";
import { ChartTools } from "../parts/chart_tools";
import { DashboardEditor } from "../parts/dashboard_editor";
import { Failed, Link, PageHead, Panel, RangePicker } from "../parts/pieces";
import { NewButton } from "../parts/resources";

const kRefreshes = ["5s", "10s", "30s", "1m", "5m"];

function DashChart({ panel, range, values, pace }: { panel: DashPanel; range: string; values: Record<string, string>; pace?: number }) {
  const { t } = useLooks();
  const host = useRef<HTMLDivElement>(null);
  const followed = useCurves((where, bucket) => fill(panel.query, where, bucket, values), range, pace);
  const field = /\(\s*"?(\w+)"?\s*\)/.exec(panel.query)?.[1] ?? "";
  const { curves, left, from, to } = followed.value ?? { curves: [], left: 0, from: undefined, to: undefined };
  const explored = `/explore?q=${part(fill(panel.query, "$timeFilter", 0, values).replaceAll("time(0s)", "time($__interval)"))}&range=${range}`;
  return (
    <Panel title={panel.title} className={panel.wide ? "wide-panel" : ""} extra={<span className="panel-tools"><ChartTools title={panel.title} curves={curves} host={host} /><Link to={explored}>{t("nav.explore")}</Link></span>}>
      <Failed error={followed.error} />
      <div ref={host}><Chart what={panel.title} curves={curves} unit={unitOf(field)} max={panel.max} none={t(whyEmpty(panel.query))} from={from} to={to} sync="dashboard" height={panel.wide ? 240 : 190} /></div>
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

function DeleteButton({ dashboard, done }: { dashboard: Dashboard; done: () => void }) {
  const { t } = useLooks();
  const { message } = App.useApp();
  const admin = useMay("admin");
  const take = async () => {
    try {
      await remove("dashboards", dashboard.name, dashboard.version ?? 0);
      message.success(t("edit.deleted", { name: dashboard.name }));
    } catch (cause) {
      message.error((cause as ApiError).message);
    }
    done();
  };
  return (
    <Popconfirm title={t("edit.delete.ask", { name: dashboard.name })} okText={t("common.delete")} cancelText={t("common.cancel")} onConfirm={take} disabled={!admin}>
      <Button danger disabled={!admin} title={admin ? undefined : t("common.readonly", { scope: "admin" })}>{t("common.delete")}</Button>
    </Popconfirm>
  );
}

export default function Dashboards() {
  const { t } = useLooks();
  const admin = useMay("admin");
  const [name, setName] = useParam("d", "Cluster");
  const [range] = useParam("range", "15m");
  const [edit, setEdit] = useParam("edit", "");
  const [fresh, setFresh] = useParam("new", "");
  const search = useSearch();
  const kept = useFollowed(async (signal) => (await get<{ dashboards: Stored[] }>("/api/v1/dashboards", signal)).dashboards.map(dashboardOf), []);
  const all = useMemo(() => allDashboards(kept.value ?? [], t), [kept.value, t]);
  const dashboard = all.find((each) => each.name === name) ?? all[0];
  const [refresh, setRefresh] = useParam("refresh", dashboard.refresh ?? "auto");
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
  const pace = refresh === "auto" ? undefined : refresh === "off" ? 0 : Math.max((seconds(refresh) || 10) * 1000, 1000);
  const paces = [...new Set(["auto", "off", ...kRefreshes, refresh])];
  const stored = dashboard.version !== undefined;
  return (
    <>
      <PageHead title={t("nav.dashboards")}>
        <Select showSearch className="dash-choice" aria-label={t("nav.dashboards")} value={dashboard.name} onChange={(value: string) => setName(value)} options={all.map((each) => ({ value: each.name, label: shownName(each, t) }))} optionFilterProp="label" />
        {dashboard.variables.map((each) => (
          <Select key={each} showSearch className="variable" aria-label={each} value={values[each]} onChange={(value: string) => setValue(each, value)}
                  options={[{ value: "", label: `${each}: ${t("common.all")}` }, ...(choices[each] ?? []).map((value) => ({ value, label: value }))]} />
        ))}
        <RangePicker />
        <Select aria-label={t("dash.refresh")} className="refresh" value={refresh} onChange={(value: string) => setRefresh(value)}
                options={paces.map((value) => ({ value, label: value === "auto" ? t("dash.refresh.auto") : value === "off" ? t("dash.refresh.off") : t("dash.refresh.each", { every: value }) }))} />
        <Button onClick={() => setEdit("1")} disabled={!admin && !stored} title={admin ? undefined : t("common.readonly", { scope: "admin" })}>{stored ? t(admin ? "common.edit" : "edit.view") : t("dash.adapt")}</Button>
        {stored && <DeleteButton dashboard={dashboard} done={kept.again} />}
        <NewButton title={t("dash.new")} make={() => setFresh("1")} />
      </PageHead>
      <Failed error={kept.error} again={kept.again} />
      {stored && !dashboard.panels.length && <p className="quiet">{t("dash.empty")}</p>}
      <div className="grid dash-grid">{dashboard.panels.map((panel, i) => <DashChart key={`${dashboard.name} ${i} ${panel.query}`} panel={panel} range={range} values={values} pace={pace} />)}</div>
      {edit === "1" && (stored
        ? <DashboardEditor key={dashboard.name} name={dashboard.name} onClose={() => setEdit("")} onSaved={() => { setEdit(""); kept.again(); }} />
        : kept.value && <DashboardEditor key={`+${dashboard.name}`} firstName={dashboard.name} initial={definitionOf(dashboard)} onClose={() => setEdit("")} onSaved={(saved) => { setEdit(""); kept.again(); setName(saved); }} />)}
      {fresh === "1" && <DashboardEditor key="new" onClose={() => setFresh("")} onSaved={(saved) => { setFresh(""); kept.again(); setName(saved); }} />}
    </>
  );
}
