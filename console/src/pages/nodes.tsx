// SPDX-License-Identifier: Apache-2.0
/** Every GPU as a cell, every node as a line. */
import { Input, Table, Tag, type Breakpoint } from "antd";
import { useMemo } from "react";
import { get, part } from "../core/api";
import { useFollowed } from "../core/data";
import { number, percent, span } from "../core/format";
import { select } from "../core/influx";
import { useParam } from "../core/router";
import type { Node } from "../core/types";
import { useLooks } from "../i18n";
import { AgentCommand } from "../parts/first_run";
import { HeatMap, type Cell } from "../parts/heat_map";
import { NodeActions } from "../parts/node_actions";
import { Failed, Hint, Link, NodeState, PageHead, Panel, stateOf, Time } from "../parts/pieces";

/** Columns that a phone has no room for; a node's own page has them all. */
const kRoomy: Breakpoint[] = ["md"];
const byName = new Intl.Collator("en", { numeric: true });

/** The newest of each GPU that reported within the last minute; grey if not within the last 15 s. */
async function cellsNow(signal: AbortSignal): Promise<Cell[]> {
  const series = await select("SELECT last(utilization_gpu) FROM gpu WHERE time > now() - 1m GROUP BY node, gpu", signal);
  return series
    .map((each) => {
      const [time, value] = each.values[0] ?? [];
      const fresh = typeof value === "number" && (typeof time !== "number" || time === 0 || Date.now() - time < 60_000);
      return { node: each.tags?.node ?? "?", gpu: each.tags?.gpu ?? "0", value: fresh ? value : null };
    })
    .sort((a, b) => byName.compare(a.node, b.node) || byName.compare(a.gpu, b.gpu));
}

export function victim(node: Node, t: ReturnType<typeof useLooks>["t"]): string {
  if (node.victim_rank === 1) return t("node.next");
  return node.victim_rank > 1 ? t("node.notnext", { rank: node.victim_rank }) : t("node.never");
}

export default function Nodes() {
  const { t } = useLooks();
  const [text, setText] = useParam("q", "");
  const nodes = useFollowed((signal) => get<{ nodes: Node[] }>("/api/v1/nodes", signal), [], 5000);
  const cells = useFollowed(cellsNow, [], 5000);
  const all = nodes.value?.nodes ?? [];
  const shown = useMemo(() => all.filter((node) => `${node.id} ${stateOf(node)} ${node.pool}`.toLowerCase().includes(text.toLowerCase())), [all, text]);
  const known = new Set(all.map((node) => node.id));
  const shownCells = useMemo(() => (cells.value ?? []).filter((cell) => !known.size || known.has(cell.node) || cell.value !== null), [cells.value, all]);
  return (
    <>
      <PageHead title={t("nodes.title")}>
        <Input.Search allowClear className="filter" value={text} onChange={(event) => setText(event.target.value)} placeholder={t("nodes.filter")} aria-label={t("nodes.filter")} />
      </PageHead>
      <Failed error={nodes.error ?? cells.error} again={nodes.again} />
      {shownCells.length > 0 && <Panel title={t("nodes.heat")}><HeatMap cells={shownCells} /></Panel>}
      {nodes.value && !all.length && <Hint title={t("nodes.empty.title")} text={t("nodes.empty")}><AgentCommand /></Hint>}
      {all.length > 0 && (
        <Panel className="table-panel">
          <Table<Node>
            size="small" rowKey="id" dataSource={shown} scroll={{ x: "max-content" }} pagination={shown.length > 50 ? { pageSize: 50, showSizeChanger: false } : false}
            columns={[
              { title: t("nodes.id"), dataIndex: "id", sorter: (a, b) => byName.compare(a.id, b.id), render: (id: string, node) => <><Link to={`/nodes/${part(id)}`}>{id}</Link>{node.protected && <Tag bordered={false} color="blue" className="tag-after">{t("nodes.protected")}</Tag>}</> },
              { title: t("common.pool"), dataIndex: "pool", responsive: kRoomy },
              { title: t("common.state"), dataIndex: "state", sorter: (a, b) => stateOf(a).localeCompare(stateOf(b)), render: (_: string, node) => <NodeState node={node} /> },
              { title: t("nodes.age"), dataIndex: "age_seconds", responsive: kRoomy, sorter: (a, b) => a.age_seconds - b.age_seconds, render: (age: number) => span(age) },
              { title: t("nodes.load"), dataIndex: "utilization", sorter: (a, b) => (a.utilization ?? -1) - (b.utilization ?? -1), render: (load: number | null, node) => <span title={`${t("nodes.peak")}: ${percent(node.utilization_peak)}`}>{percent(load)}</span> },
              { title: t("nodes.inflight"), dataIndex: "in_flight", responsive: kRoomy, render: (n: number | null) => number(n, 0) },
              { title: t("nodes.devices"), dataIndex: "devices_ok", responsive: kRoomy, render: (n: number | null) => number(n, 0) },
              { title: t("nodes.health"), dataIndex: "last_report", responsive: kRoomy, render: (at: string | null) => <Time at={at} /> },
              { title: t("nodes.victim"), dataIndex: "victim_rank", responsive: kRoomy, sorter: (a, b) => (a.victim_rank || 1e9) - (b.victim_rank || 1e9), render: (_: number, node) => <span title={node.victim_reason}>{victim(node, t)}</span> },
              { title: t("common.actions"), key: "actions", responsive: kRoomy, render: (_: unknown, node) => <NodeActions node={node} done={nodes.again} /> },
            ]}
          />
        </Panel>
      )}
    </>
  );
}
