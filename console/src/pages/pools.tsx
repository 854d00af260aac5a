// SPDX-License-Identifier: Apache-2.0
import { App, Button, InputNumber, Popconfirm, Spin } from "antd";
import { useState } from "react";
import { ApiError, call, get, part } from "../core/api";
import { useFollowed } from "../core/data";
import { span } from "../core/format";
import { useNow } from "../core/live";
import { find, usePaths } from "../core/openapi";
import { useMay } from "../core/session";
import type { Pool } from "../core/types";
import { useLooks, type Key } from "../i18n";
import { FormDialog } from "../parts/schema_form";
import { Command, Failed, Hint, isDeclared, Origin, PageHead, Panel, Phase } from "../parts/pieces";

function Size({ pool, done }: { pool: Pool; done: () => void }) {
  const { t } = useLooks();
  const { message } = App.useApp();
  const allowed = useMay("trigger");
  const [wanted, setWanted] = useState<number | null>(null);
  const set = async () => {
    try {
      const answer = await call<{ reason?: string }>("PUT", `/api/v1/pools/${part(pool.name)}/desired`, { desired: wanted });
      message.success(t("pools.set.done", { name: pool.name, reason: answer?.reason ?? "" }));
      setWanted(null);
      done();
    } catch (cause) {
      message.error((cause as ApiError).message);
    }
  };
  return (
    <span className="row-tools">
      <InputNumber min={pool.min} max={pool.max} precision={0} value={wanted ?? pool.desired} onChange={setWanted} disabled={!allowed} aria-label={t("pools.size", { name: pool.name })} />
      <Popconfirm title={`${pool.desired} → ${wanted}?`} onConfirm={set} okText={t("pools.set")} cancelText={t("common.cancel")} disabled={wanted === null || wanted === pool.desired}>
        <Button disabled={!allowed || wanted === null || wanted === pool.desired} title={allowed ? undefined : t("common.readonly", { scope: "trigger" })}>{t("pools.set")}</Button>
      </Popconfirm>
    </span>
  );
}

function left(until: string | null | undefined, now: number): number {
  return until ? Math.max(0, (Date.parse(until) - now) / 1000) : 0;
}

const kExample = "pools:\n  - name: gpu\n    provider: {type: local}\n    min: 2\n    max: 6";
/** The shown keys; whatever else the server tells of a pool stands below them. */
const kShown = new Set(["name", "provider", "min", "max", "desired", "counts", "phase", "phase_reason", "cooldown_out_until", "cooldown_in_until", "origin", "declared", "source"]);

export default function Pools() {
  const { t } = useLooks();
  const now = useNow();
  const paths = usePaths();
  const admin = useMay("admin");
  const pools = useFollowed((signal) => get<{ pools: Pool[] }>("/api/v1/pools", signal), [], 10_000);
  const [editing, setEditing] = useState<Pool | "new">();
  const create = find(paths, "POST /api/v1/pools");
  const update = find(paths, "PUT /api/v1/pools/{name}", "PATCH /api/v1/pools/{name}");
  const list = pools.value?.pools ?? [];
  const to = editing === "new" ? create : update;
  return (
    <>
      <PageHead title={t("pools.title")}>{create && admin && <Button type="primary" onClick={() => setEditing("new")}>{t("common.create")}</Button>}</PageHead>
      <Failed error={pools.error} again={pools.again} />
      {!pools.value && !pools.error && <Spin />}
      {pools.value && !list.length && <Hint title={t("pools.empty.title")} text={t("overview.nopool")} command={kExample} />}
      {list.map((pool) => {
        const more = Object.entries(pool).filter(([key, value]) => !kShown.has(key) && value !== null && value !== "");
        const waits = ([["overview.cooldown.out", left(pool.cooldown_out_until, now)], ["overview.cooldown.in", left(pool.cooldown_in_until, now)]] as [Key, number][]).filter(([, secs]) => secs > 0);
        return (
          <Panel key={pool.name} title={<>{pool.name} <Phase phase={pool.phase} /> <Origin item={pool as { origin?: unknown }} /></>}
                 extra={update && admin && !isDeclared(pool as { origin?: unknown }) && <Button size="small" onClick={() => setEditing(pool)}>{t("common.edit")}</Button>}>
            <p>{pool.phase_reason}</p>
            <dl className="facts">
              <div><dt>{t("pools.desired")}</dt><dd><Size pool={pool} done={pools.again} /></dd></div>
              <div><dt>{t("pools.bounds")}</dt><dd>{t("overview.nodes.bounds", { min: pool.min, max: pool.max })}</dd></div>
              <div><dt>{t("pools.counts")}</dt><dd>{(["ready", "launching", "booting", "draining"] as const).filter((state) => state === "ready" || pool.counts[state]).map((state) => t(`pools.${state}`, { n: pool.counts[state] })).join(", ")}</dd></div>
              <div><dt>{t("pools.provider")}</dt><dd>{typeof pool.provider === "object" ? pool.provider?.type : pool.provider}</dd></div>
              <div><dt>{t("pools.cooldown")}</dt><dd>{waits.map(([key, secs]) => t(key, { age: span(secs) })).join(", ") || t("common.none")}</dd></div>
            </dl>
            {more.length > 0 && (
              <details className="quiet"><summary>{t("common.more")}</summary>
                <dl className="facts">{more.map(([key, value]) => <div key={key}><dt>{key.replaceAll("_", " ")}</dt><dd>{typeof value === "object" ? <code>{JSON.stringify(value)}</code> : String(value)}</dd></div>)}</dl>
              </details>
            )}
          </Panel>
        );
      })}
      {pools.value && list.length > 0 && !create && <details className="quiet"><summary>{t("common.unsupported")}</summary><Command text={kExample} /></details>}
      {editing && paths && to && (
        <FormDialog title={editing === "new" ? t("common.create") : editing.name} paths={paths} to={to} item={editing === "new" ? undefined : editing.name}
                    initial={editing === "new" ? {} : (editing as unknown as Record<string, unknown>)} onClose={() => setEditing(undefined)} onDone={() => { setEditing(undefined); pools.again(); }} />
      )}
    </>
  );
}
