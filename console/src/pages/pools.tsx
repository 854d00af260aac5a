// SPDX-License-Identifier: Apache-2.0
import { App, Button, InputNumber, Popconfirm, Spin } from "antd";
import { useState } from "react";
import { ApiError, call, get, part } from "../core/api";
import { useFollowed } from "../core/data";
import { number, span, when } from "../core/format";
import { useNow } from "../core/live";
import { useMay } from "../core/session";
import type { Pool } from "../core/types";
import { useLooks, type Key } from "../i18n";
import { EditDrawer } from "../parts/editor";
import { ItemTools, NewButton, useOpened } from "../parts/resources";
import { applied, Failed, Hint, Link, Origin, PageHead, Panel, Phase, Time } from "../parts/pieces";
import { PhaseReason } from "../parts/said";

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

/** Keeps the size, lets it only grow, lets it go on. */
function Hold({ pool, done }: { pool: Pool; done: () => void }) {
  const { t, language } = useLooks();
  const { message } = App.useApp();
  const allowed = useMay("trigger");
  const act = async (verb: string) => {
    try {
      await call("POST", `/api/v1/pools/${part(pool.name)}/${verb}`, {});
      done();
    } catch (cause) {
      message.error((cause as ApiError).message);
    }
  };
  const button = (verb: "pause" | "only-out" | "resume") => (
    <Button key={verb} size="small" disabled={!allowed} title={allowed ? undefined : t("common.readonly", { scope: "trigger" })} aria-label={`${t(`pools.${verb}`)}: ${pool.name}`} onClick={() => act(verb)}>{t(`pools.${verb}`)}</Button>
  );
  return (
    <span className="row-tools">
      {pool.hold && <span>{t(pool.hold.mode === "paused" ? "pools.held" : "pools.held.out", { who: pool.hold.who, until: pool.hold.until ? when(pool.hold.until, language) : "–" })}</span>}
      {pool.hold ? button("resume") : [button("pause"), button("only-out")]}
    </span>
  );
}

/** GPU-hours of the period, those of parked nodes among them, and what is left of its limit. */
function Budget({ budget }: { budget: NonNullable<Pool["budget"]> }) {
  const { t } = useLooks();
  const hours = (value: number) => `${number(value, value < 10 ? 2 : 0)} h`;
  return (
    <>
      {hours(budget.used_gpu_hours)}{budget.limit_gpu_hours !== null && ` / ${hours(budget.limit_gpu_hours)}`}{budget.used_money > 0 && ` · ${number(budget.used_money, 2)}`}
      {budget.parked_gpu_hours > 0 && ` · ${t("pools.budget.parked", { hours: hours(budget.parked_gpu_hours) })}`}
      {budget.exhausted && <div className="bad">{t("pools.budget.exhausted")} <Time at={budget.ends} /></div>}
    </>
  );
}

const kExample = "pools:\n  - name: gpu\n    provider: {type: local}\n    min: 2\n    max: 6";
/** The shown keys; whatever else the server tells of a pool stands below them. */
const kShown = new Set(["budget", "name", "provider", "min", "max", "desired", "counts", "phase", "phase_reason", "cooldown_out_until", "cooldown_in_until", "hold", "origin", "version", "fault"]);

export default function Pools() {
  const { t } = useLooks();
  const now = useNow();
  const opened = useOpened();
  const pools = useFollowed((signal) => get<{ pools: Pool[] }>("/api/v1/pools", signal), [], 10_000);
  const list = pools.value?.pools ?? [];
  return (
    <>
      <PageHead title={t("pools.title")}><Link to="/policies">{t("nav.policies")}</Link><NewButton title={t("pools.new")} make={opened.make} /></PageHead>
      <Failed error={pools.error} again={pools.again} />
      {!pools.value && !pools.error && <Spin />}
      {pools.value && !list.length && <Hint title={t("pools.empty.title")} text={t("overview.nopool")} command={applied("pool", kExample)} />}
      {list.map((pool) => {
        const more = Object.entries(pool).filter(([key, value]) => !kShown.has(key) && value !== null && value !== "");
        const waits = ([["overview.cooldown.out", left(pool.cooldown_out_until, now)], ["overview.cooldown.in", left(pool.cooldown_in_until, now)]] as [Key, number][]).filter(([, secs]) => secs > 0);
        return (
          <Panel key={pool.name} title={<>{pool.name} <Phase phase={pool.phase} /> <Origin item={pool} /></>} extra={<span className="row-tools"><ItemTools kind="pools" item={pool} edit={() => opened.edit(pool.name)} done={pools.again} /></span>}>
            {pool.fault && <p className="bad">{pool.fault}</p>}
            <p><PhaseReason pool={pool} /></p>
            <dl className="facts">
              <div><dt>{t("pools.desired")}</dt><dd><Size pool={pool} done={pools.again} /></dd></div>
              <div><dt>{t("pools.bounds")}</dt><dd>{t("overview.nodes.bounds", { min: pool.min, max: pool.max })}</dd></div>
              <div><dt>{t("pools.counts")}</dt><dd>{(["ready", "launching", "booting", "draining", "parked"] as const).filter((state) => state === "ready" || pool.counts[state]).map((state) => t(`pools.${state}`, { n: pool.counts[state] ?? 0 })).join(", ")}</dd></div>
              <div><dt>{t("pools.provider")}</dt><dd>{pool.provider}</dd></div>
              <div><dt>{t("pools.cooldown")}</dt><dd>{waits.map(([key, secs]) => t(key, { age: span(secs) })).join(", ") || t("common.none")}</dd></div>
              {pool.budget && <div><dt>{t("pools.budget")}</dt><dd><Budget budget={pool.budget} /></dd></div>}
              <div><dt>{t("pools.hold")}</dt><dd><Hold pool={pool} done={pools.again} /></dd></div>
            </dl>
            {more.length > 0 && (
              <details className="quiet"><summary>{t("common.more")}</summary>
                <dl className="facts">{more.map(([key, value]) => <div key={key}><dt>{key.replaceAll("_", " ")}</dt><dd>{typeof value === "object" ? <code>{JSON.stringify(value)}</code> : String(value)}</dd></div>)}</dl>
              </details>
            )}
          </Panel>
        );
      })}
      {opened.open && <EditDrawer key={opened.name ?? ""} kind="pools" name={opened.name} title={opened.name ?? t("pools.new")} onClose={opened.close} onSaved={() => { opened.close(); pools.again(); }} />}
    </>
  );
}
