// SPDX-License-Identifier: Apache-2.0
/** One node: what its GPUs do, what it lived through, and whether it would be taken next. */
import { Spin } from "antd";
import { useMemo } from "react";
import { get, part } from "../core/api";
import { useCurves } from "../core/curve";
import { useFollowed } from "../core/data";
import { bytes, number, percent, span, unitOf } from "../core/format";
import { ql, query, type Curve } from "../core/influx";
import { devicesOf, type NodeProcesses } from "../core/node_devices";
import { find, usePaths } from "../core/openapi";
import { useParam } from "../core/router";
import type { Entry, Node } from "../core/types";
import { useLooks, type Key } from "../i18n";
import { ActivityList } from "../parts/activity_list";
import { CardTable } from "../parts/cards";
import { Chart } from "../parts/chart";
import { NodeActions } from "../parts/node_actions";
import { Command, Failed, Link, NodeState, PageHead, Panel, RangePicker, Time } from "../parts/pieces";
import { Said } from "../parts/said";
import { victim } from "./nodes";

/** What is drawn of a node, where it measures it; in this order. */
const kFields: [string, string, number?][] = [
  ["gpu", "utilization_gpu", 100], ["gpu", "saturation", 100], ["gpu", "queue_depth"], ["gpu", "memory_used_bytes"], ["gpu", "utilization_memory", 100], ["gpu", "power_watts"], ["gpu", "temperature_celsius"], ["gpu", "sm_clock_mhz"],
  ["inference", "requests"], ["inference", "latency_p50_ms"], ["inference", "latency_p99_ms"], ["node", "in_flight"],
];

const kHealths = new Set(["unknown", "good", "failing", "sick"]);
const kDrainPhases = new Set(["cordoning", "working", "watching", "done", "held", "ending", "parked"]);

async function measured(id: string, signal: AbortSignal): Promise<string[]> {
  const text = kFields.map(([measurement, field]) => `SELECT last(${ql.quoted(field)}) FROM ${ql.quoted(measurement)} WHERE node = ${ql.literal(id)} AND time > now() - 7d`).join("; ");
  const results = await query(text, signal);
  return kFields.flatMap(([measurement, field], i) => (results[i]?.series?.length ? [`${measurement}.${field}`] : []));
}

function FieldChart({ id, measurement, field, max, range }: { id: string; measurement: string; field: string; max?: number; range: string }) {
  const { t } = useLooks();
  const by = measurement === "gpu" ? ", gpu" : "";
  const followed = useCurves((where, bucket) => `SELECT mean(${ql.quoted(field)}) FROM ${ql.quoted(measurement)} WHERE node = ${ql.literal(id)} AND ${where} GROUP BY time(${bucket}s)${by} fill(null)`, range);
  const curves = useMemo(() => (followed.value?.curves ?? []).map((curve): Curve => ({ ...curve, label: curve.tags.gpu ? `GPU ${curve.tags.gpu}` : field })), [followed.value, field]);
  const title = t(`field.${field}` as Key);
  return (
    <Panel title={title}>
      <Failed error={followed.error} />
      <Chart what={`${title}, ${id}`} curves={curves} unit={unitOf(field)} max={max} from={followed.value?.from} to={followed.value?.to} sync={`node-${id}`} height={170} />
    </Panel>
  );
}

/** Who holds device memory, asked of the node's own agent at this moment. */
function Processes({ node }: { node: Node }) {
  const { t } = useLooks();
  const asked = useFollowed((signal) => get<NodeProcesses>(`/api/v1/nodes/${part(node.id)}/devices`, signal), [node.id], 10_000, false);
  const { processes = [], processes_omitted = 0 } = asked.value ?? {};
  return (
    <>
      <h3 className="gap-above">{t("node.processes")}</h3>
      {processes.length > 0 && (
        <div className="table-wrap" tabIndex={0}>
          <CardTable data-testid="processes">
            <thead><tr><th>{t("node.process.owner")}</th><th>PID</th><th>GPU</th><th>{t("field.memory_used_bytes")}</th><th>{t("field.utilization_gpu")}</th></tr></thead>
            <tbody>{processes.map((each) => (
              <tr key={`${each.uuid}/${each.gpu}/${each.pid}`}><td className="name">{each.owner || "–"}</td><td className="number">{each.pid ?? "–"}</td><td className="number">{each.gpu ?? "–"}</td><td className="number">{bytes(each.memory_bytes)}</td><td className="number">{percent(each.utilization_gpu)}</td></tr>
            ))}</tbody>
          </CardTable>
        </div>
      )}
      {processes_omitted > 0 && <p className="quiet">{t("node.processes.omitted", { n: processes_omitted })}</p>}
      {asked.value && !asked.error && !processes.length && <p className="quiet">{t("node.processes.none")}</p>}
      {asked.error && <><p className="quiet" role="status">{asked.error.message}</p>{node.endpoint && <Command text={`curl -s ${node.endpoint}/devices`} />}</>}
    </>
  );
}

function Devices({ node }: { node: Node }) {
  const { t } = useLooks();
  const followed = useFollowed((signal) => devicesOf(node.id, signal), [node.id], 10_000, false);
  const { devices = [], pods = [], sampler = "" } = followed.value ?? {};
  return (
    <Panel title={t("node.gpus")} extra={sampler && <span className="quiet">{t("node.sampler")}: {sampler}</span>}>
      <Failed error={followed.error} />
      {devices.length > 0 && (
        <div className="table-wrap" tabIndex={0}>
          <CardTable>
            <thead><tr><th>GPU</th><th>{t("node.model")}</th><th>UUID</th><th>{t("field.utilization_gpu")}</th><th>{t("node.saturation")}</th><th>{t("field.memory_used_bytes")}</th><th>{t("node.doubt")}</th></tr></thead>
            <tbody>{devices.map((each) => (
              <tr key={each.gpu + each.uuid}><td className="number">{each.gpu}</td><td>{each.model || "–"}</td><td><code className="unbroken">{each.uuid || "–"}</code></td><td className="number">{percent(each.utilization)}</td>
                <td className="number">{percent(each.saturation)}</td><td className="number">{bytes(each.memory)}</td><td>{each.doubt || "–"}</td></tr>
            ))}</tbody>
          </CardTable>
        </div>
      )}
      {pods.length > 0 && (
        <div className="table-wrap gap-above" tabIndex={0}>
          <CardTable>
            <thead><tr><th>{t("node.pod")}</th><th>{t("node.container")}</th><th>GPU</th><th>{t("node.pod.processes")}</th><th>{t("field.memory_used_bytes")}</th><th>{t("field.utilization_gpu")}</th></tr></thead>
            <tbody>{pods.map((each) => (
              <tr key={`${each.gpu}/${each.namespace}/${each.pod}/${each.container}`}><td className="name">{each.namespace}/{each.pod}{!each.given && <div className="bad">{t("node.pod.taken")}</div>}</td><td>{each.container || "–"}</td><td className="number">{each.gpu}</td>
                <td className="number">{number(each.processes, 0)}</td><td className="number">{bytes(each.memory)}</td><td className="number">{percent(each.utilization)}</td></tr>
            ))}</tbody>
          </CardTable>
        </div>
      )}
      <Processes node={node} />
    </Panel>
  );
}

export default function NodePage({ id }: { id: string }) {
  const { t } = useLooks();
  const [range] = useParam("range", "15m");
  const nodes = useFollowed((signal) => get<{ nodes: Node[] }>("/api/v1/nodes", signal), [], 5000);
  const life = useFollowed((signal) => get<{ activity: Entry[] }>("/api/v1/activity?kind=node.&limit=5000", signal), [id]);
  const fields = useFollowed((signal) => measured(id, signal), [id], 60_000, false);
  const paths = usePaths();
  const explained = !!find(paths, "GET /api/v1/nodes/{id}/why");
  const why = useFollowed(async (signal) => (explained ? (await get<{ why?: string[] }>(`/api/v1/nodes/${part(id)}/why`, signal)).why : undefined), [id, explained], 5000);
  const node = nodes.value?.nodes.find((each) => each.id === id);
  const entries = (life.value?.activity ?? []).filter((entry) => entry.subject === id).reverse();
  return (
    <>
      <PageHead title={<>{id} {node && <NodeState node={node} />}</>}><Link to="/nodes">{t("node.back")}</Link><RangePicker /></PageHead>
      <Failed error={nodes.error ?? fields.error} again={nodes.again} />
      {nodes.value && !node && <p>{t("node.gone")}</p>}
      {node && (
        <Panel title={victim(node, t)} extra={<NodeActions node={node} done={nodes.again} />}>
          {why.value?.length ? <ul className="reasons">{why.value.map((line) => <li key={line}><Said text={line} /></li>)}</ul> : <p>{node.victim_reason}</p>}
          <dl className="facts">
            <div><dt>{t("common.pool")}</dt><dd>{node.pool}</dd></div>
            <div><dt>{t("nodes.age")}</dt><dd>{span(node.age_seconds)}</dd></div>
            <div><dt>{t("nodes.health")}</dt><dd><Time at={node.last_report} /></dd></div>
            <div><dt>{t("nodes.devices")}</dt><dd>{node.devices_ok ?? "–"}</dd></div>
            {node.health && <div><dt>{t("node.health")}</dt><dd>{kHealths.has(node.health) ? t(`node.health.${node.health}` as Key) : node.health}</dd></div>}
            <div><dt>{t("nodes.inflight")}</dt><dd>{node.in_flight ?? "–"}</dd></div>
            {node.drain_phase && <div><dt>{t("node.drain")}</dt><dd>{kDrainPhases.has(node.drain_phase) ? t(`node.drain.${node.drain_phase}` as Key) : node.drain_phase}</dd></div>}
            <div><dt>{t("nodes.why")}</dt><dd>{node.reason}</dd></div>
            <div><dt>URL</dt><dd>{node.endpoint || "–"}</dd></div>
          </dl>
        </Panel>
      )}
      {node && <Devices node={node} />}
      {!fields.value && !fields.error && <Spin />}
      <div className="grid">
        {kFields.filter(([measurement, field]) => fields.value?.includes(`${measurement}.${field}`)).map(([measurement, field, max]) => <FieldChart key={field} id={id} measurement={measurement} field={field} max={max} range={range} />)}
      </div>
      {fields.value && !fields.value.length && <p className="quiet">{t("node.noCharts")}</p>}
      <Panel title={t("node.life")}><ActivityList entries={entries} /></Panel>
    </>
  );
}
