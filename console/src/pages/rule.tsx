// SPDX-License-Identifier: Apache-2.0
/** One rule: its state, what it looks at, its threshold to be dragged, and what it would have done with it. */
import { Alert, App, Button, Spin } from "antd";
import { useCallback, useState } from "react";
import { ApiError, call, get, part } from "../core/api";
import { seconds } from "../core/condition_text";
import { useFollowed } from "../core/data";
import { withValue } from "../core/definitions";
import { faultsAt } from "../core/editing";
import { useEditor } from "../core/editor";
import { unitOf, when } from "../core/format";
import { go, useParam } from "../core/router";
import { toYaml } from "../core/rule_config";
import { useMay } from "../core/session";
import type { Entry, Rule, Silence } from "../core/types";
import { useLooks } from "../i18n";
import { ActivityList } from "../parts/activity_list";
import { CardTable } from "../parts/cards";
import { DefinitionFields } from "../parts/definition_fields";
import { EditorFoot, EditorNotes, NameField, useNames, useReadOnly } from "../parts/editor";
import { Command, Failed, Heart, Link, Origin, PageHead, Panel, RangePicker, Time } from "../parts/pieces";
import { ItemTools } from "../parts/resources";
import { previewed, RulePreview } from "../parts/rule_preview";
import { LiftSilence, SilenceDialog } from "../parts/silences";

const kShownHistory = 20;

function Facts({ rule }: { rule: Rule }) {
  const { t } = useLooks();
  const [range] = useParam("range", "1h");
  return (
    <Panel>
      <dl className="facts">
        <div><dt>{t("rules.every")}</dt><dd>{rule.every}</dd></div>
        <div><dt>{t("rules.for")}</dt><dd>{seconds(rule.for) === 0 ? t("rules.for.none") : rule.for}</dd></div>
        <div><dt>{t("rules.repeat")}</dt><dd>{seconds(rule.repeat) === 0 ? t("rules.repeat.never") : rule.repeat}</dd></div>
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
      <div className="table-wrap" tabIndex={0}>
        <CardTable><thead><tr><th>{t("common.state")}</th><th>{t("common.name")}</th><th>{t("rules.value")}</th><th>{t("rules.since")}</th></tr></thead>
          <tbody>{rule.instances.slice(0, 200).map((each) => {
            const labels = Object.entries(each.labels).map(([key, value]) => `${key}=${value}`).join(", ") || "–";
            return <tr key={labels}><td><Heart state={each.state} /></td><td className="name">{labels}</td><td className="number">{unitOf(field)(each.value)}</td><td className="number"><Time at={each.since} /></td></tr>;
          })}</tbody>
        </CardTable>
      </div>
    </Panel>
  );
}

/** Keeps a rule from being looked at, or lets it go on, whoever declared it. */
function Pause({ rule, done }: { rule: Rule; done: () => void }) {
  const { t } = useLooks();
  const { message } = App.useApp();
  const admin = useMay("admin");
  const paused = rule.enabled === false || rule.state === "paused";
  const turn = async () => {
    try {
      await call("POST", `/api/v1/rules/${part(rule.name)}/pause`, { paused: !paused });
      done();
    } catch (cause) {
      message.error((cause as ApiError).message);
    }
  };
  return <Button disabled={!admin} title={admin ? undefined : t("common.readonly", { scope: "admin" })} onClick={turn}>{t(paused ? "rules.unmute" : "rules.mute")}</Button>;
}

export default function RulePage({ name }: { name: string }) {
  const { t, language } = useLooks();
  const admin = useMay("admin");
  const [silencing, setSilencing] = useState(false);
  const [edit, setEdit] = useParam("edit", "");
  const [tried, setTried] = useState<string>(); // a condition that is tried out where nothing can be saved
  const rules = useFollowed((signal) => get<{ rules: Rule[] }>("/api/v1/rules", signal), [], 5000);
  const history = useFollowed((signal) => get<{ activity: Entry[] }>("/api/v1/activity?kind=rule.&limit=2000", signal), [name]);
  const silences = useFollowed(async (signal) => (await get<{ silences: Silence[] }>("/api/v1/silences", signal)).silences, [], 30_000);
  const editor = useEditor("rules", name, undefined, admin);
  const names = useNames();
  const readOnly = useReadOnly(editor.base?.origin ?? "api");
  const rule = rules.value?.rules.find((each) => each.name === name);
  const writes = editor.ready && !readOnly;
  const { definition, change } = editor;
  const put = useCallback((condition: string) => (writes ? change(withValue(definition, "condition", condition)) : setTried(condition)), [writes, definition, change]);

  if (!rules.value) return rules.error ? <Failed error={rules.error} again={rules.again} /> : <Spin className="page-spin" />;
  if (!rule) return <><PageHead title={name}><Link to="/rules">{t("rules.back")}</Link></PageHead><p>{t("rules.notfound")}</p></>;

  const again = () => {
    silences.again();
    rules.again();
  };
  const declared = editor.ready ? previewed(name, definition) : { ...rule };
  const shown = writes ? declared : { ...declared, condition: tried ?? rule.condition };
  const entries = (history.value?.activity ?? []).filter((entry) => entry.subject === name).reverse();
  return (
    <>
      <PageHead title={<>{name} <Heart state={rule.state} /> <Origin item={rule} /></>}>
        <Link to="/rules">{t("rules.back")}</Link>
        <RangePicker initial="1h" />
        <Pause rule={rule} done={again} />
        <Button onClick={() => setSilencing(true)} disabled={!admin} title={admin ? undefined : t("common.readonly", { scope: "admin" })}>{t("rules.silence")}</Button>
        <ItemTools size="middle" kind="rules" item={rule} edit={() => setEdit("1")} done={() => go("/rules")} />
      </PageHead>
      <Failed error={rules.error ?? silences.error ?? editor.error} again={again} />
      {rule.fault && <Alert type="error" showIcon className="gap-below" message={rule.fault} />}
      {rule.muted_by && <Alert type="info" showIcon className="gap-below" message={t("rules.muted", { by: rule.muted_by })} />}
      {(silences.value ?? []).filter((each) => !each.rule || each.rule === name).map((each) => (
        <Alert key={each.id} type="info" showIcon className="gap-below" message={t("rules.silenced", { until: when(each.until, language), who: each.who, comment: each.comment || "–" })} action={<LiftSilence silence={each} done={again} />} />
      ))}
      {writes && <EditorNotes editor={editor} />}
      <Panel title={t("rules.chart")} extra={<span className="quiet">{rule.last_error || rule.explanation} · <Time at={rule.evaluated_at} /></span>}>
        <RulePreview rule={shown} onCondition={put} faults={faultsAt(editor.faults, "condition")} />
        {shown.condition !== rule.condition && <div className="gap-above" data-testid="changed">{t("rules.changed", { from: rule.condition, to: shown.condition })}{!writes && <> <Button size="small" onClick={() => setTried(undefined)}>{t("rules.reset")}</Button></>}</div>}
        {writes && editor.changed && <EditorFoot editor={editor} onSaved={() => { setEdit(""); again(); }}><Button onClick={editor.discard}>{t("rules.reset")}</Button></EditorFoot>}
        {readOnly && <><p className="quiet">{rule.origin === "file" ? t("rules.declared") : readOnly}</p><h3>{t("rules.copy")}</h3><Command text={toYaml({ ...rule, condition: shown.condition })} /></>}
      </Panel>
      {edit === "1" && editor.ready && (
        <Panel title={t("rules.editing")} extra={<Button size="small" onClick={() => setEdit("")}>{t("common.close")}</Button>}>
          {readOnly && <Alert type="info" showIcon className="gap-below" message={readOnly} />}
          <DefinitionFields kind="rules" definition={definition} base={editor.base?.definition} faults={editor.faults} names={names} readOnly={!!readOnly} except={["condition"]} onChange={change} />
        </Panel>
      )}
      <Facts rule={rule} />
      <Instances rule={rule} />
      <Panel title={t("rules.history")}><ActivityList entries={entries.slice(0, kShownHistory)} />{entries.length > kShownHistory && <Link to={`/activity?kind=rule&q=${part(name)}`}>{t("activity.more")}</Link>}</Panel>
      {silencing && <SilenceDialog rule={name} onClose={() => setSilencing(false)} onDone={() => { setSilencing(false); again(); }} />}
    </>
  );
}

/** A rule that is being made, with its preview as it grows. */
export function NewRule({ onClose }: { onClose: () => void }) {
  const { t } = useLooks();
  const names = useNames();
  const editor = useEditor("rules", undefined);
  const { definition, change } = editor;
  const put = useCallback((condition: string) => change(withValue(definition, "condition", condition)), [definition, change]);
  if (!editor.ready) return <Spin className="page-spin" />;
  return (
    <>
      <PageHead title={t("rules.new")}><Link to="/rules">{t("rules.back")}</Link><RangePicker initial="1h" /></PageHead>
      <EditorNotes editor={editor} />
      <Panel><NameField editor={editor} /></Panel>
      <Panel title={t("rules.chart")}><RulePreview rule={previewed(editor.name || t("rules.new"), definition)} onCondition={put} faults={faultsAt(editor.faults, "condition")} /></Panel>
      <Panel title={t("rules.editing")}>
        <DefinitionFields kind="rules" definition={definition} faults={editor.faults} names={names} readOnly={false} except={["condition"]} onChange={change} />
        <EditorFoot editor={editor} onSaved={(answer) => go(`/rules/${part(String(answer.name))}`)}><Button onClick={() => { editor.discard(); onClose(); }}>{t("common.cancel")}</Button></EditorFoot>
      </Panel>
    </>
  );
}
