// SPDX-License-Identifier: Apache-2.0
/** Ask the store anything, in InfluxQL. */
import { Alert, App, Button, Dropdown, Segmented, Spin } from "antd";
import { useEffect, useMemo, useRef, useState } from "react";
import { ApiError, call, get, part } from "../core/api";
import { windowIn, windowOf } from "../core/curve";
import { dashboardOf, definitionOf } from "../core/dashboard";
import { useFollowed } from "../core/data";
import type { Stored } from "../core/editing";
import { when, unitOf } from "../core/format";
import { curvesOf, inRange, placeBefore, positionIn, query, toCsv, type Series } from "../core/influx";
import { useParam } from "../core/router";
import { fileName, saveFile } from "../core/save_file";
import { useStoredNames } from "../core/schema";
import { useMay } from "../core/session";
import { useZoom } from "../core/zoom";
import { useLooks } from "../i18n";
import { Chart } from "../parts/chart";
import { savePicture } from "../parts/chart_tools";
import { PageHead, Panel, RangePicker } from "../parts/pieces";
import { QueryEditor } from "../parts/query_editor";

const kExamples = [
  'SELECT mean("utilization_gpu") FROM "gpu" WHERE $timeFilter GROUP BY time($__interval), "node"',
  'SELECT max("utilization_gpu_max") FROM "gpu" WHERE $timeFilter GROUP BY time($__interval)',
  'SELECT sum("requests") FROM "inference" WHERE $timeFilter GROUP BY time($__interval)',
  'SELECT max("latency_p99_ms") FROM "inference" WHERE $timeFilter GROUP BY time($__interval), "node"',
  "SHOW FIELD KEYS",
];
const kRows = 500;

interface Answer {
  series: Series[];
  ms: number;
  from: number;
  to: number;
}

function Table({ series }: { series: Series[] }) {
  const { t, language } = useLooks();
  const tags = [...new Set(series.flatMap((each) => Object.keys(each.tags ?? {})))];
  const columns = [...new Set(series.flatMap((each) => each.columns))];
  const all = series.reduce((sum, each) => sum + each.values.length, 0);
  const rows = series.flatMap((each) => each.values.map((row) => ({ each, row }))).slice(0, kRows);
  return (
    <>
      <div className="table-wrap tall" tabIndex={0} role="region" aria-label={t("explore.table")}>
        <table className="plain">
          <thead><tr><th>name</th>{tags.map((tag) => <th key={tag}>{tag}</th>)}{columns.map((column) => <th key={column}>{column}</th>)}</tr></thead>
          <tbody>
            {rows.map(({ each, row }, i) => (
              <tr key={i}>
                <td>{each.name}</td>
                {tags.map((tag) => <td key={tag}>{each.tags?.[tag] ?? ""}</td>)}
                {columns.map((column) => {
                  const value = row[each.columns.indexOf(column)];
                  if (column === "time" && typeof value === "number") return <td key={column} className="number" title={new Date(value).toISOString()}>{when(value, language)}</td>;
                  return <td key={column} className="number">{value === null || value === undefined ? "–" : String(value)}</td>;
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className="quiet">{all > kRows ? t("explore.rows.cut", { n: kRows, all }) : t("explore.rows", { n: all })}</p>
    </>
  );
}

/** Puts the query on a dashboard that the server keeps. */
function AddToDashboard({ asked, disabled }: { asked: string; disabled: boolean }) {
  const { t } = useLooks();
  const { message } = App.useApp();
  const admin = useMay("admin");
  const kept = useFollowed(async (signal) => (await get<{ dashboards: Stored[] }>("/api/v1/dashboards", signal)).dashboards.map(dashboardOf), []);
  const mine = t("dash.mine");
  const all = kept.value ?? [];
  const add = async (name: string) => {
    const before = all.find((each) => each.name === name) ?? { name, variables: [], panels: [] };
    const definition = definitionOf({ ...before, panels: [...before.panels, { title: asked.slice(0, 80), query: asked }] });
    try {
      await call("PUT", `/api/v1/dashboards/${part(name)}`, { definition, version: before.version ?? 0 });
      message.success(t("dash.added", { name }));
    } catch (cause) {
      message.error((cause as ApiError).message);
    }
    kept.again();
  };
  const names = [...new Set([...all.map((each) => each.name), mine])];
  return (
    <Dropdown disabled={!admin || disabled} trigger={["click"]} menu={{ items: names.map((name) => ({ key: name, label: name })), onClick: ({ key }) => void add(key) }}>
      <Button title={admin ? undefined : t("common.readonly", { scope: "admin" })}>{t("dash.add")}</Button>
    </Dropdown>
  );
}

export default function Explore() {
  const { t, dark } = useLooks();
  const { message } = App.useApp();
  const [zoom] = useZoom();
  const [asked, setAsked] = useParam("q", kExamples[0]);
  const [range] = useParam("range", "15m");
  const [view, setView] = useParam("view", "chart");
  const [text, setText] = useState(asked);
  const names = useStoredNames();
  const [answer, setAnswer] = useState<Answer>();
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const running = useRef<AbortController>();
  const wrong = useRef<number | null>(null); // where the query is wrong
  const drawn = useRef<HTMLDivElement>(null);

  const run = async (what: string) => {
    running.current?.abort();
    const abort = (running.current = new AbortController());
    setBusy(true);
    const window = zoom ? windowIn(zoom) : windowOf(range);
    const begin = performance.now();
    const until = Math.min(Date.now(), window.to * 1000);
    const fill = (part: string) => inRange(part, window.from * 1000, until, window.bucket);
    const fail = (said: string) => {
      const at = positionIn(said, fill(what));
      wrong.current = at === null ? null : placeBefore(what, fill, at);
      setError(said);
    };
    try {
      const results = await query(fill(what), abort.signal);
      fail(results.find((each) => each.error)?.error ?? "");
      setAnswer({ series: results.flatMap((each) => each.series ?? []), ms: Math.round(performance.now() - begin), from: window.from, to: window.to });
    } catch (cause) {
      if (abort.signal.aborted) return;
      fail((cause as ApiError).message);
    }
    setBusy(false);
  };
  useEffect(() => {
    setText(asked);
    void run(asked);
    return () => running.current?.abort();
  }, [asked, range, zoom]);
  const submit = () => (text === asked ? void run(text) : setAsked(text));

  const { curves, left } = useMemo(() => curvesOf(answer?.series ?? []), [answer]);
  const drawable = curves.some((curve) => curve.times.length > 1);
  const field = /\(\s*"?(\w+)"?/.exec(asked)?.[1] ?? "";
  const tabular = view === "table" || !drawable;
  const wrongAt = error && text === asked && wrong.current !== null ? wrong.current : null;
  return (
    <>
      <PageHead title={t("explore.title")}><RangePicker /></PageHead>
      <Panel>
        <QueryEditor label={t("explore.query")} value={text} onChange={setText} onRun={submit} names={names} wrongAt={wrongAt} />
        <div className="row-tools gap-above">
          <Button type="primary" onClick={submit} loading={busy}>{t("explore.run")}</Button>
          <Button onClick={() => void navigator.clipboard?.writeText(window.location.href).then(() => message.success(t("common.copied")))}>{t("explore.share")}</Button>
          <Button disabled={!answer?.series.length} onClick={() => saveFile(fileName("gpuscale", "csv"), new Blob([toCsv(answer!.series)], { type: "text/csv" }))}>{t("explore.csv")}</Button>
          <Button disabled={tabular} onClick={() => void savePicture(drawn.current, asked, curves, dark)}>{t("explore.png")}</Button>
          <AddToDashboard asked={asked} disabled={tabular || !asked.includes("$timeFilter")} />
        </div>
        <p className="quiet">{t("explore.hint")}</p>
        <details className="quiet"><summary>{t("explore.examples")}</summary>
          <ul className="examples">{kExamples.map((each) => <li key={each}><Button type="link" size="small" className="example" onClick={() => setAsked(each)}><code>{each}</code></Button></li>)}</ul>
        </details>
        {error && <Alert type="error" showIcon role="alert" className="gap-above" message={error} />}
      </Panel>
      <Panel extra={<span className="quiet">{answer && t("explore.took", { n: answer.series.length, ms: answer.ms })}{left > 0 ? ` ${t("explore.bounded", { left })}` : ""}</span>}
             title={<Segmented size="small" value={tabular ? "table" : "chart"} onChange={(value) => setView(String(value))} options={[{ value: "chart", label: t("explore.chart"), disabled: !drawable }, { value: "table", label: t("explore.table") }]} />}>
        {!answer && busy && <Spin />}
        {answer && !answer.series.length && !error && <p className="quiet">{t("explore.empty")}</p>}
        {answer && answer.series.length > 0 && (tabular ? <Table series={answer.series} /> : <div ref={drawn}><Chart what={asked} curves={curves} unit={unitOf(field)} from={answer.from} to={answer.to} height={380} /></div>)}
      </Panel>
    </>
  );
}
