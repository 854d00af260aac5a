// SPDX-License-Identifier: Apache-2.0
/** One rule: its state, what it looks at, its threshold to be dragged, and what it would have done with it. */
import { Alert, Button, Spin } from "antd";
import { useState } from "react";
import { get, part } from "../core/api";
import { useFollowed } from "../core/data";
import { unitOf, when } from "../core/format";
import { useParam } from "../core/router";
import { toYaml } from "../core/rule_config";
import { useMay } from "../core/session";
import type { Entry, Rule, Silence } from "../core/types";
import { useLooks } from "../i18n";
import { ActivityList } from "../parts/activity_list";
import { Command, Failed, Heart, Link, Origin, PageHead, Panel, RangePicker, Time } from "../parts/pieces";
import { RulePreview } from "../parts/rule_preview";
import { LiftSilence, SilenceDialog } from "../parts/silences";

const kShownHistory = 20;

function Facts({ rule }: { rule: Rule }) {
  const { t } = useLooks();
  const [range] = useParam("range", "1h");
  return (
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
  );
}

function Instances({ rule }: { rule: Rule }) {
  const { t } = useLooks();
  const field = /\(\s*"?(\w+)"?\s*\)/.exec(Object.values(rule.queries)[0] ?? "")?.[1] ?? "";
  if (!rule.instances?.length) return null;
  return (
    <Panel title={t("rules.instances")}>
      <div className="table-wrap">
        <table className="plain"><thead><tr><th>{t("common.state")}</th><th>{t("common.name")}</th><th>{t("rules.value")}</th><th>{t("rules.since")}</th></tr></thead>
          <tbody>{rule.instances.slice(0, 200).map((each) => {
            const labels = Object.entries(each.labels).map(([key, value]) => `${key}=${value}`).join(", ") || "–";
            return <tr key={labels}><td><Heart state={each.state} /></td><td className="name">{labels}</td><td className="number">{unitOf(field)(each.value)}</td><td className="number"><Time at={each.since} /></td></tr>;
          })}</tbody>
        </table>
      </div>
    </Panel>
  );
}

export default function RulePage({ name }: { name: string }) {
  const { t, language } = useLooks();
  const admin = useMay("admin");
  const [silencing, setSilencing] = useState(false);
  const [draft, setDraft] = useState<string>();
  const rules = useFollowed((signal) => get<{ rules: Rule[] }>("/api/v1/rules", signal), [], 5000);
  const history = useFollowed((signal) => get<{ activity: Entry[] }>("/api/v1/activity?kind=rule.&limit=2000", signal), [name]);
  const silences = useFollowed(async (signal) => (await get<{ silences: Silence[] }>("/api/v1/silences", signal)).silences, [], 30_000);
  const rule = rules.value?.rules.find((each) => each.name === name);

  if (!rules.value) return rules.error ? <Failed error={rules.error} again={rules.again} /> : <Spin className="page-spin" />;
  if (!rule) return <><PageHead title={name}><Link to="/rules">{t("rules.back")}</Link></PageHead><p>{t("rules.notfound")}</p></>;

  const again = () => {
    silences.again();
    rules.again();
  };
  const condition = draft ?? rule.condition;
  const entries = (history.value?.activity ?? []).filter((entry) => entry.subject === name).reverse();
  return (
    <>
      <PageHead title={<>{name} <Heart state={rule.state} /> <Origin item={rule} /></>}>
        <Link to="/rules">{t("rules.back")}</Link>
        <RangePicker initial="1h" />
        <Button onClick={() => setSilencing(true)} disabled={!admin} title={admin ? undefined : t("common.readonly", { scope: "admin" })}>{t("rules.silence")}</Button>
      </PageHead>
      <Failed error={rules.error ?? silences.error} again={again} />
      {rule.muted_by && <Alert type="info" showIcon className="gap-below" message={t("rules.muted", { by: rule.muted_by })} />}
      {(silences.value ?? []).filter((each) => !each.rule || each.rule === name).map((each) => (
        <Alert key={each.id} type="info" showIcon className="gap-below" message={t("rules.silenced", { until: when(each.until, language), who: each.who, comment: each.comment || "–" })} action={<LiftSilence silence={each} done={again} />} />
      ))}
      <Panel title={t("rules.chart")} extra={<span className="quiet">{rule.last_error || rule.explanation} · <Time at={rule.evaluated_at} /></span>}>
        <RulePreview rule={{ ...rule, condition }} onCondition={setDraft} />
        {condition !== rule.condition && (
          <div className="row-tools gap-above" data-testid="changed">
            <span>{t("rules.changed", { from: rule.condition, to: condition })}</span>
            <Button size="small" onClick={() => setDraft(undefined)}>{t("rules.reset")}</Button>
          </div>
        )}
        <p className="quiet">{t("rules.declared")}</p><h3>{t("rules.copy")}</h3><Command text={toYaml({ ...rule, condition })} />
      </Panel>
      <Facts rule={rule} />
      <Instances rule={rule} />
      <Panel title={t("rules.history")}><ActivityList entries={entries.slice(0, kShownHistory)} />{entries.length > kShownHistory && <Link to={`/activity?kind=rule&q=${part(name)}`}>{t("activity.more")}</Link>}</Panel>
      {silencing && <SilenceDialog rule={name} onClose={() => setSilencing(false)} onDone={() => { setSilencing(false); again(); }} />}
    </>
  );
}
