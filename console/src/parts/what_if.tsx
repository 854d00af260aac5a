// SPDX-License-Identifier: Apache-2.0
/** A pool's recorded decisions, run again: whether each comes out the same, and what another policy would have wanted. */
import { AutoComplete, Button, Segmented } from "antd";
import { useState } from "react";
import { get, part } from "../core/api";
import { number } from "../core/format";
import { useSending } from "../core/sending";
import { useLooks, type Key } from "../i18n";
import { Time } from "./pieces";

const kSpans: Record<string, number> = { "1h": 3600, "6h": 21600, "24h": 86400 };
const kPolicies = ["lookout", "target_tracking=0.6", "hpa=0.7", "hpa_ca=0.7", "aws_tt=0.5", "aws_step=0.6", "gce_mig=0.6", "recipe=45", "recipe_repeat=45", "static=2"];
const kShownRows = 30;

interface Asked {
  pool: string;
  looks: number;
  had_node_hours: number;
  would_node_hours: number;
  looks_more: number;
  looks_fewer: number;
  rows: { at: string; had: number; wanted: number | null; would_want: number | null; reason: string }[];
  rows_omitted: number;
}
interface Replayed {
  decisions: number;
  differing: number;
  identical: boolean;
  first_difference: { kind: string; at: string } | null;
}

function AskedTable({ asked }: { asked: Asked }) {
  const { t } = useLooks();
  const rows = asked.rows.slice(-kShownRows).reverse();
  return (
    <>
      <p role="status">{t("whatif.said", { looks: asked.looks, had: number(asked.had_node_hours, 2), would: number(asked.would_node_hours, 2), more: asked.looks_more, fewer: asked.looks_fewer })}</p>
      {rows.length > 0 && (
        <div className="table-wrap tall" tabIndex={0}>
          <table className="plain">
            <thead><tr>{(["chart.time", "whatif.had", "whatif.wanted", "whatif.would", "policies.reason"] as const).map((key) => <th key={key}>{t(key)}</th>)}</tr></thead>
            <tbody>{rows.map((row) => <tr key={row.at}><td className="number"><Time at={row.at} /></td><td className="number">{row.had}</td><td className="number">{number(row.wanted, 0)}</td><td className="number">{number(row.would_want, 0)}</td><td className="says">{row.reason}</td></tr>)}</tbody>
          </table>
        </div>
      )}
    </>
  );
}

export function WhatIf({ pool }: { pool: string }) {
  const { t } = useLooks();
  const [span, setSpan] = useState("1h");
  const [policy, setPolicy] = useState("hpa=0.7");
  const [asked, setAsked] = useState<Asked | null>();
  const [replayed, setReplayed] = useState<Replayed>();
  const { error, busy, send } = useSending();
  const since = () => new Date(Date.now() - kSpans[span] * 1000).toISOString();
  const ask = () => send(async () => {
    const answer = await get<{ pools: Asked[] }>(`/api/v1/activity/replay?pool=${part(pool)}&policy=${part(policy)}&since=${part(since())}`);
    setReplayed(undefined);
    setAsked(answer.pools.find((each) => each.pool === pool) ?? null);
  });
  const again = () => send(async () => {
    const answer = await get<Replayed>(`/api/v1/activity/replay?pool=${part(pool)}&since=${part(since())}`);
    setAsked(undefined);
    setReplayed(answer);
  });
  return (
    <details className="what-if"><summary>{t("whatif.title")}</summary>
      <p className="quiet gap-below">{t("whatif.text")}</p>
      <div className="row-tools">
        <AutoComplete className="variable" aria-label={t("whatif.policy")} value={policy} onChange={setPolicy} options={kPolicies.map((value) => ({ value }))} />
        <Segmented aria-label={t("common.range")} value={span} onChange={(value) => setSpan(String(value))} options={Object.keys(kSpans).map((value) => ({ value, label: t(`range.${value}` as Key) }))} />
        <Button type="primary" loading={busy} disabled={!policy} onClick={ask}>{t("whatif.ask")}</Button>
        <Button loading={busy} onClick={again}>{t("whatif.again")}</Button>
      </div>
      {error && <p className="bad" role="alert">{error}</p>}
      {asked === null && <p className="quiet">{t("whatif.none")}</p>}
      {asked && <AskedTable asked={asked} />}
      {replayed && <p role="status" className={replayed.identical ? "" : "bad"}>{replayed.identical ? t("whatif.same", { n: replayed.decisions }) : t("whatif.differs", { n: replayed.differing, all: replayed.decisions, at: replayed.first_difference?.at ?? "" })}</p>}
    </details>
  );
}
