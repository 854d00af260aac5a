// SPDX-License-Identifier: Apache-2.0
/** A dashboard being written, panel by panel or as JSON. */
import { Alert, Button, Checkbox, Drawer, Input, InputNumber, Segmented, Select, Spin } from "antd";
import { useState } from "react";
import type { Names } from "../core/completion";
import { kMostPanels, readDefinition, showDefinition, type DashPanel } from "../core/dashboard";
import type { Definition } from "../core/definitions";
import { useEditor } from "../core/editor";
import { useStoredNames } from "../core/schema";
import { useLooks } from "../i18n";
import { EditorFoot, EditorNotes, NameField, useReadOnly } from "./editor";
import { Faults } from "./misread";
import { Failed } from "./pieces";
import { QueryEditor } from "./query_editor";

const kFirst: DashPanel = { title: "", query: 'SELECT mean("utilization_gpu") FROM "gpu" WHERE $timeFilter GROUP BY time($__interval) fill(null)' };

function PanelFields({ panel, at, last, names, change, move, remove }: { panel: DashPanel; at: number; last: boolean; names: Names; change: (panel: DashPanel) => void; move: (by: number) => void; remove: () => void }) {
  const { t } = useLooks();
  const called = panel.title || String(at + 1);
  const without = ({ max: _, ...others }: DashPanel) => others;
  return (
    <fieldset className="dash-panel">
      <legend>{at + 1}</legend>
      <div className="row-tools">
        <Input className="grow" aria-label={`${t("dash.panel.title")} ${at + 1}`} placeholder={t("dash.panel.title")} value={panel.title} onChange={(event) => change({ ...panel, title: event.target.value })} />
        <Button size="small" disabled={at === 0} aria-label={`${t("dash.up")}: ${called}`} onClick={() => move(-1)}>↑</Button>
        <Button size="small" disabled={last} aria-label={`${t("dash.down")}: ${called}`} onClick={() => move(1)}>↓</Button>
        <Button size="small" danger aria-label={`${t("common.delete")}: ${called}`} onClick={remove}>{t("common.delete")}</Button>
      </div>
      <QueryEditor value={panel.query} onChange={(query) => change({ ...panel, query })} names={names} label={t("explore.query")} />
      <div className="row-tools">
        <label>{t("dash.panel.max")} <InputNumber size="small" value={panel.max} aria-label={`${t("dash.panel.max")} ${at + 1}`} onChange={(max) => change(max === null ? without(panel) : { ...panel, max })} /></label>
        <Checkbox checked={!!panel.wide} onChange={(event) => change({ ...panel, wide: event.target.checked })}>{t("dash.panel.wide")}</Checkbox>
      </div>
    </fieldset>
  );
}

function Fields({ definition, change }: { definition: Definition; change: (definition: Definition) => void }) {
  const { t } = useLooks();
  const names = useStoredNames();
  const panels = Array.isArray(definition.panels) ? (definition.panels as DashPanel[]) : [];
  const set = (next: DashPanel[]) => change({ ...definition, panels: next });
  const moved = (from: number, by: number) => {
    const next = [...panels];
    next.splice(from + by, 0, ...next.splice(from, 1));
    return next;
  };
  const { refresh, ...others } = definition;
  const tags = [...new Set(Object.values(names.tags).flat())].sort();
  return (
    <div className="form">
      <div className="field"><span className="field-name">{t("dash.variables")}</span>
        <Select mode="tags" aria-label={t("dash.variables")} value={(definition.variables as string[] | undefined) ?? []} options={tags.map((value) => ({ value }))} onChange={(variables: string[]) => change({ ...definition, variables })} />
        <span className="quiet">{t("dash.variables.hint")}</span>
      </div>
      <div className="field"><span className="field-name">{t("dash.refresh")}</span>
        <Input aria-label={t("dash.refresh")} value={String(refresh ?? "")} placeholder="10s" onChange={(event) => change(event.target.value ? { ...others, refresh: event.target.value } : others)} />
        <span className="quiet">{t("dash.refresh.hint")}</span>
      </div>
      {panels.map((panel, i) => (
        <PanelFields key={i} panel={panel} at={i} last={i + 1 === panels.length} names={names} change={(next) => set(panels.map((each, at) => (at === i ? next : each)))} move={(by) => set(moved(i, by))} remove={() => set(panels.filter((_, at) => at !== i))} />
      ))}
      <Button disabled={panels.length >= kMostPanels} onClick={() => set([...panels, { ...kFirst, title: t("dash.panel.new", { n: panels.length + 1 }) }])}>{t("dash.panel.add")}</Button>
    </div>
  );
}

function parsed(text: string): { definition?: Definition; error: string } {
  try {
    return { definition: readDefinition(text), error: "" };
  } catch (cause) {
    return { error: (cause as Error).message };
  }
}

/** The text stays as it is typed; what of it is JSON becomes the definition. */
function Json({ definition, change, broken }: { definition: Definition; change: (definition: Definition) => void; broken: (is: boolean) => void }) {
  const { t } = useLooks();
  const [typed, setTyped] = useState(() => showDefinition(definition));
  const { definition: meant, error } = parsed(typed);
  const text = meant && JSON.stringify(meant) !== JSON.stringify(definition) ? showDefinition(definition) : typed;
  const type = (next: string) => {
    setTyped(next);
    const now = parsed(next);
    broken(!!now.error);
    if (now.definition) change(now.definition);
  };
  return (
    <>
      {error && <Alert type="error" showIcon role="alert" message={t("dash.nojson", { error })} className="gap-below" />}
      <p className="quiet gap-below">{t("dash.hint")} <Button size="small" onClick={() => void navigator.clipboard?.writeText(text)}>{t("common.copy")}</Button></p>
      <Input.TextArea className="mono" spellCheck={false} aria-label="JSON" autoSize={{ minRows: 20 }} value={text} onChange={(event) => type(event.target.value)} />
    </>
  );
}

export interface DashboardEditorProps {
  name?: string; // absent: a new one
  firstName?: string;
  initial?: Definition;
  onClose: () => void;
  onSaved: (name: string) => void;
}
export function DashboardEditor({ name, firstName, initial, onClose, onSaved }: DashboardEditorProps) {
  const { t } = useLooks();
  const editor = useEditor("dashboards", name, initial, true, firstName);
  const readOnly = useReadOnly(editor.base?.origin);
  const [as, setAs] = useState("fields");
  const [broken, setBroken] = useState(false); // the text is no JSON at the moment
  const placed = editor.faults.filter((fault) => fault.path !== "" && fault.path !== "name");
  return (
    <Drawer open onClose={onClose} title={name ?? t("dash.new")} width="min(860px, 100vw)" destroyOnHidden maskClosable={!editor.changed}
            footer={readOnly || !editor.ready || broken ? null : <EditorFoot editor={editor} onSaved={() => onSaved(editor.name)}><Button onClick={onClose}>{t("common.close")}</Button></EditorFoot>}>
      {!editor.ready && !editor.error && <Spin />}
      <Failed error={editor.error} />
      {editor.ready && (
        <>
          <EditorNotes editor={editor} readOnly={readOnly} />
          {name === undefined && <NameField editor={editor} />}
          <Segmented className="gap-below" aria-label={t("dash.as")} value={as} onChange={(value) => { setAs(String(value)); setBroken(false); }} options={[{ value: "fields", label: t("dash.as.fields") }, { value: "json", label: "JSON" }]} />
          {placed.length > 0 && <Alert type="error" showIcon role="alert" className="gap-below" message={t("edit.wrong")} description={<Faults faults={placed.map((fault) => ({ ...fault, text: `${fault.path}: ${fault.text}` }))} />} />}
          {as === "json" ? <Json definition={editor.definition} change={editor.change} broken={setBroken} /> : <Fields definition={editor.definition} change={editor.change} />}
        </>
      )}
    </Drawer>
  );
}
