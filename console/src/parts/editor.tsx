// SPDX-License-Identifier: Apache-2.0
/** What stands around a definition that is being written: why it is read-only, what the server says of it, what somebody else has
 * saved meanwhile; and the drawer in which most are written. */
import { Alert, App, Button, Drawer, Input, Spin } from "antd";
import { useState, type ReactNode } from "react";
import { get } from "../core/api";
import { isKept, kKinds, type Kind } from "../core/definitions";
import { useFollowed } from "../core/data";
import { differences, faultsAt } from "../core/editing";
import { useEditor, type Editor } from "../core/editor";
import { when } from "../core/format";
import { useMay } from "../core/session";
import { useLooks } from "../i18n";
import { DefinitionFields, type Names } from "./definition_fields";
import { Faults } from "./misread";
import { Failed } from "./pieces";

/** The names of all that a definition may refer to. */
export function useNames(): Names {
  const followed = useFollowed(async (signal) => {
    const lists = await Promise.all(kKinds.map((kind) => get<Record<string, { name: string }[]>>(`/api/v1/${kind}`, signal).then((answer) => answer[kind] ?? [], () => [])));
    return Object.fromEntries(kKinds.map((kind, i) => [kind, lists[i].map((each) => each.name)])) as Names;
  }, [], 0);
  return followed.value ?? {};
}

/** Why somebody may look and not change; undefined = they may. */
export function useReadOnly(origin: string | undefined): string | undefined {
  const { t } = useLooks();
  const admin = useMay("admin");
  if (origin === "file") return t("edit.readonly.file");
  return admin ? undefined : t("edit.readonly.scope");
}

const shownValue = (value: unknown) => (value === undefined ? "–" : isKept(value) ? "•••" : typeof value === "string" ? value : JSON.stringify(value));

function Conflict({ editor }: { editor: Editor }) {
  const { t, language } = useLooks();
  const [open, setOpen] = useState(false);
  const { theirs } = editor;
  if (!theirs) return null;
  return (
    <Alert type="warning" showIcon role="alert" className="gap-below" data-testid="conflict"
           message={t("edit.conflict", { name: editor.name, who: theirs.changed_by ?? "?", when: when(theirs.changed_at, language) })}
           description={
             <>
               <div className="row-tools">
                 <Button size="small" onClick={() => setOpen(!open)} aria-expanded={open}>{t("edit.conflict.show")}</Button>
                 <Button size="small" type="primary" onClick={editor.overlay}>{t("edit.conflict.both")}</Button>
                 <Button size="small" onClick={editor.takeTheirs}>{t("edit.conflict.theirs")}</Button>
               </div>
               {open && (
                 <div className="table-wrap">
                   <table className="plain">
                     <thead><tr><th>{t("edit.key")}</th><th>{t("edit.conflict.mine")}</th><th>{t("edit.conflict.other")}</th></tr></thead>
                     <tbody>{differences(editor.definition, theirs.definition).map((each) => <tr key={each.path}><td>{each.path}</td><td><code className="wrap">{shownValue(each.mine)}</code></td><td><code className="wrap">{shownValue(each.theirs)}</code></td></tr>)}</tbody>
                   </table>
                 </div>
               )}
             </>
           } />
  );
}

export function EditorNotes({ editor, readOnly }: { editor: Editor; readOnly?: string }) {
  const { t, language } = useLooks();
  const { base } = editor;
  const general = editor.faults.filter((fault) => fault.path === "");
  return (
    <>
      {readOnly && <Alert type="info" showIcon className="gap-below" message={readOnly} />}
      {editor.restored && editor.changed && <Alert type="info" showIcon className="gap-below" message={t("edit.kept")} action={<Button size="small" onClick={editor.discard}>{t("edit.discard")}</Button>} />}
      <Conflict editor={editor} />
      {editor.gone && <Alert type="warning" showIcon role="alert" className="gap-below" message={t("edit.conflict.gone")} />}
      {general.length > 0 && <Alert type="error" showIcon role="alert" className="gap-below" message={t("edit.wrong")} description={<Faults faults={general} />} />}
      {editor.check === "away" && <Alert type="warning" showIcon role="alert" className="gap-below" message={t("edit.away")} />}
      {base && base.version > 0 && <p className="quiet gap-below">{t("edit.changed", { version: base.version, who: base.changed_by ?? "?" })} · {when(base.changed_at, language)}</p>}
    </>
  );
}

/** Save, and what the server thinks of it by now. */
export function EditorFoot({ editor, onSaved, children }: { editor: Editor; onSaved: (answer: Record<string, unknown>) => void; children?: ReactNode }) {
  const { t } = useLooks();
  const { message } = App.useApp();
  const save = async () => {
    const answer = await editor.save();
    if (!answer) return;
    message.success(t("edit.saved", { name: editor.name }));
    onSaved(answer);
  };
  return (
    <div className="row-tools editor-foot">
      <Button type="primary" loading={editor.busy} disabled={!editor.complete || !!editor.theirs || (!editor.changed && !!editor.base)} onClick={save}>{t("common.save")}</Button>
      {children}
      <span className={editor.check === "bad" ? "bad" : "quiet"} role="status" data-testid="check">
        {editor.check === "good" ? t("edit.checked") : editor.check === "asking" ? t("edit.checking") : editor.check === "bad" ? t("edit.refused") : ""}
      </span>
    </div>
  );
}

export function NameField({ editor }: { editor: Editor }) {
  const { t } = useLooks();
  const faults = faultsAt(editor.faults, "name");
  return (
    <div className="field gap-below">
      <span className="field-name field-key">name *</span>
      <Input aria-label="name" value={editor.name} status={faults.length ? "error" : undefined} spellCheck={false} onChange={(event) => editor.rename(event.target.value)} />
      <Faults faults={faults} />
      <span className="quiet">{t("def.name")}</span>
    </div>
  );
}

export interface EditDrawerProps {
  kind: Kind;
  name?: string; // absent: a new one
  title: string;
  initial?: Record<string, unknown>;
  onClose: () => void;
  onSaved: (answer: Record<string, unknown>) => void;
  tools?: (editor: Editor) => ReactNode;
  note?: ReactNode; // what is to be known before it is changed
}

export function EditDrawer({ kind, name, title, initial, onClose, onSaved, tools, note }: EditDrawerProps) {
  const { t } = useLooks();
  const names = useNames();
  const editor = useEditor(kind, name, initial);
  const readOnly = useReadOnly(editor.base?.origin);
  return (
    <Drawer open onClose={onClose} title={title} width="min(760px, 100vw)" destroyOnHidden maskClosable={!editor.changed}
            footer={readOnly || !editor.ready ? null : <EditorFoot editor={editor} onSaved={onSaved}>{tools?.(editor)}<Button onClick={onClose}>{t("common.close")}</Button></EditorFoot>}>
      {!editor.ready && !editor.error && <Spin />}
      <Failed error={editor.error} />
      {editor.ready && (
        <>
          {note}
          <EditorNotes editor={editor} readOnly={readOnly} />
          {name === undefined && <NameField editor={editor} />}
          <DefinitionFields kind={kind} definition={editor.definition} base={editor.base?.definition} faults={editor.faults} names={names} readOnly={!!readOnly} onChange={editor.change} />
        </>
      )}
    </Drawer>
  );
}
