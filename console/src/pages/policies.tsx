// SPDX-License-Identifier: Apache-2.0
/** What each policy wants of its pool and why, and which of them is heard; made, changed and deleted here. */
import { Alert, Spin, Tag, Tooltip } from "antd";
import { get } from "../core/api";
import { useFollowed } from "../core/data";
import { kWords } from "../core/definitions";
import { number, percent, span, when } from "../core/format";
import { decidedBy, decider } from "../core/policies";
import type { Entry, Policy, PolicySeat, Pool, Trial } from "../core/types";
import { useLooks } from "../i18n";
import { ActivityList } from "../parts/activity_list";
import { CardTable } from "../parts/cards";
import { EditDrawer } from "../parts/editor";
import { applied, Failed, Hint, Link, Origin, PageHead, Panel } from "../parts/pieces";
import { PromoteButton, RollBackButton } from "../parts/promotion";
import { PhaseReason } from "../parts/said";
import { ItemTools, NewButton, useOpened } from "../parts/resources";
import { WhatIf } from "../parts/what_if";

const policiesOf = (pool: string) => `policies:\n  - {name: calm, pool: ${pool}, type: lookout}\n  - {name: idea, pool: ${pool}, type: target_tracking, target: 60, shadow: true}`;
const kStart = `cat > gpuscale.yaml <<'END'\npools:\n  - {name: gpu, min: 2, max: 6}\n${policiesOf("gpu")}\nEND\ngpuscale serve --config gpuscale.yaml`;
const kShownChanges = 5;

/** What a day would have cost, and how much of its work came late or was lost. */
function TrialCells({ trial }: { trial?: Trial | null }) {
  const day = trial?.day;
  return (
    <>
      <td className="number">{day ? number(day.node_hours, day.node_hours < 10 ? 2 : 0) : "–"}{day && day.money !== null && <div className="quiet">{number(day.money, 2)}</div>}</td>
      <td className="number">{day ? percent(day.bad_percent) : "–"}</td>
    </>
  );
}

function Row({ policy, decides, alone, edit, done }: { policy: Policy; decides: boolean; alone: boolean; edit: () => void; done: () => void }) {
  const { t } = useLooks();
  const seen = policy.evidence;
  const nodes = (n?: number | null) => number(n, 2);
  return (
    <tr>
      <td className="name">{policy.name} <Origin item={policy} /><div className="kind"><code>{policy.policy}</code></div>{policy.fault && <div className="bad">{policy.fault}</div>}</td>
      <td>
        {policy.shadow ? <Tooltip title={t("policies.shadow.hint")}><Tag bordered={false} tabIndex={0}>{t("policies.shadow")}</Tag></Tooltip> : <Tag bordered={false} color="green">{t("policies.live")}</Tag>}
        {decides && <Tooltip title={t("policies.decides.hint")}><Tag bordered={false} color="blue" tabIndex={0}>{t("policies.decides")}</Tag></Tooltip>}
        {!alone && !policy.fault && <div className="kind"><PromoteButton pool={policy.pool} policy={policy.name} done={done} /></div>}
      </td>
      <td className="number">{policy.want === null ? t("policies.want.asis") : policy.want}</td>
      <td className="number">{nodes(seen?.load)}</td>
      <td className="number">{nodes(seen?.forecast)}{seen?.history && <div className="kind">{t(`policies.history.${seen.history}`)}</div>}</td>
      <td className="number">{seen?.missed_percent == null ? "–" : percent(seen.missed_percent)}{seen?.distrusted && <div className="bad">{t("policies.distrusted")}</div>}</td>
      <TrialCells trial={policy.trial} />
      <td className="number">{policy.boot_seconds === null ? t("policies.boot.unknown") : span(policy.boot_seconds)}</td>
      <td className="says">{(!policy.fault && policy.reason) || "–"}</td>
      <td><span className="row-tools"><ItemTools kind="policies" item={policy} edit={edit} done={done} /></span></td>
    </tr>
  );
}

export default function Policies() {
  const { t, language } = useLooks();
  const policies = useFollowed((signal) => get<{ policies: Policy[]; pools?: PolicySeat[] }>("/api/v1/policies", signal), [], 5000);
  const pools = useFollowed((signal) => get<{ pools: Pool[] }>("/api/v1/pools", signal), [], 5000);
  const moved = useFollowed((signal) => get<{ activity: Entry[] }>("/api/v1/activity?kind=pool.desired&limit=500", signal), []);
  const list = policies.value?.policies ?? [];
  const names = [...new Set(list.map((policy) => policy.pool))];
  const opened = useOpened();
  const firstPool = pools.value?.pools[0]?.name;
  const promotion = opened.name ? policies.value?.pools?.map((seat) => seat.promotion).find((each) => each && each.policy === opened.name && each.state !== "rolled_back") : undefined;
  return (
    <>
      <PageHead title={t("policies.title")}><Link to="/pools">{t("nav.pools")}</Link><NewButton title={t("policies.new")} make={opened.make} /></PageHead>
      <Failed error={policies.error ?? pools.error} again={policies.again} />
      {!policies.value && !policies.error && <Spin />}
      {policies.value && pools.value && !list.length && <Hint title={t("policies.empty.title")} text={t("policies.empty")} command={firstPool ? applied(kWords.policies, policiesOf(firstPool)) : kStart} />}
      {names.map((name) => {
        const pool = pools.value?.pools.find((each) => each.name === name);
        const own = list.filter((policy) => policy.pool === name);
        const seat = policies.value?.pools?.find((each) => each.pool === name);
        const present = pool ? pool.counts.ready + pool.counts.booting + pool.counts.launching : 0;
        const first = pool && decider(own, present);
        const changes = decidedBy(moved.value?.activity ?? [], name).slice(0, kShownChanges);
        return (
          <Panel key={name} title={name} extra={pool && <span className="quiet">{t("policies.is", { n: pool.counts.ready, desired: pool.desired, min: pool.min, max: pool.max })} <PhaseReason pool={pool} /></span>}>
            <div className="table-wrap">
              <CardTable className="dense">
                <thead><tr>{(["common.name", "common.state", "policies.want", "policies.load", "policies.forecast", "policies.score", "policies.cost", "policies.bad", "policies.boot", "policies.reason", "common.actions"] as const).map((key) => <th key={key}>{t(key)}</th>)}</tr></thead>
                <tbody>{own.map((policy) => <Row key={policy.name} policy={policy} decides={policy === first} alone={!policy.shadow && own.every((each) => each === policy || each.shadow)} edit={() => opened.edit(policy.name)} done={policies.again} />)}
                  {seat?.as_it_was && <tr><td className="name">{t("policies.asitwas")}</td><td colSpan={5} /><TrialCells trial={seat.as_it_was} /><td colSpan={3} /></tr>}
                </tbody>
              </CardTable>
            </div>
            {seat?.promotion && <p className="quiet">{t(`policies.promotion.${seat.promotion.state}`, { ...seat.promotion, probation_until: when(seat.promotion.probation_until, language) })} {seat.promotion.state !== "rolled_back" && <RollBackButton pool={name} done={policies.again} />}</p>}
            <WhatIf pool={name} />
            <h3 className="gap-above">{t("policies.decided")}</h3>
            {changes.length ? <ActivityList entries={changes.map((each) => each.entry)} /> : <p className="quiet">{t("policies.decided.none")}</p>}
          </Panel>
        );
      })}
      {opened.open && (
        <EditDrawer key={opened.name ?? ""} kind="policies" name={opened.name} title={opened.name ?? t("policies.new")} onClose={opened.close} onSaved={() => { opened.close(); policies.again(); }}
                    note={promotion && <Alert type="info" showIcon className="gap-below" message={t("policies.edit.promoted", { policy: promotion.policy, who: promotion.who })} />} />
      )}
    </>
  );
}
