// SPDX-License-Identifier: Apache-2.0
/** A page of named things: listed, made, changed and removed. What the config file declares can be looked at. The address says
 * what is open (?edit=NAME, ?new=1). */
import { App, Button, Popconfirm, Spin } from "antd";
import type { ReactNode } from "react";
import { ApiError, get } from "../core/api";
import { useFollowed } from "../core/data";
import { kWords, type Definition, type Kind } from "../core/definitions";
import { remove, type Editor } from "../core/editor";
import { useParam } from "../core/router";
import { useMay } from "../core/session";
import { useLooks } from "../i18n";
import { CardTable } from "./cards";
import { EditDrawer } from "./editor";
import { applied, Failed, Hint, isDeclared, Origin, PageHead, Panel } from "./pieces";

export interface Named {
  name: string;
  origin?: string;
  version?: number;
  fault?: string; // why it does not run as declared
}

/** View or edit, and delete, with the reason where one may not. */
export function ItemTools({ kind, item, edit, done, size = "small" }: { kind: Kind; item: Named; edit: () => void; done: () => void; size?: "small" | "middle" }) {
  const { t } = useLooks();
  const { message } = App.useApp();
  const admin = useMay("admin");
  const declared = isDeclared(item);
  const why = admin ? undefined : t("common.readonly", { scope: "admin" });
  const take = async () => {
    try {
      await remove(kind, item.name, item.version ?? 0);
      message.success(t("edit.deleted", { name: item.name }));
    } catch (cause) {
      message.error((cause as ApiError).message);
    }
    done();
  };
  const verb = t(declared ? "edit.view" : "common.edit");
  return (
    <>
      <Button size={size} disabled={!admin} title={why} aria-label={`${verb} ${item.name}`} onClick={edit}>{verb}</Button>
      <Popconfirm title={t("edit.delete.ask", { name: item.name })} okText={t("common.delete")} cancelText={t("common.cancel")} onConfirm={take} disabled={!admin || declared}>
        <Button size={size} danger disabled={!admin || declared} title={why ?? (declared ? t("common.declared.hint") : undefined)} aria-label={`${t("common.delete")} ${item.name}`}>{t("common.delete")}</Button>
      </Popconfirm>
    </>
  );
}

/** What of a page's things is open to be written, in the address. */
export function useOpened() {
  const [edit, setEdit] = useParam("edit", "");
  const [fresh, setFresh] = useParam("new", "");
  return { name: edit || undefined, open: !!edit || fresh === "1", edit: setEdit, make: () => setFresh("1"), close: () => (edit ? setEdit("") : setFresh("")) };
}

export function NewButton({ title, make }: { title: string; make: () => void }) {
  const { t } = useLooks();
  const admin = useMay("admin");
  return <Button type="primary" disabled={!admin} title={admin ? undefined : t("common.readonly", { scope: "admin" })} onClick={make}>{title}</Button>;
}

export interface ResourcesProps<T extends Named> {
  kind: Kind;
  query?: string; // of the list
  title: string;
  newTitle: string;
  empty: { title: string; text: string; command: string };
  columns: { title: string; show: (item: T) => ReactNode }[];
  initial?: Definition;
  tools?: (item: T, again: () => void) => ReactNode;
  editorTools?: (editor: Editor) => ReactNode;
  onSaved?: (answer: Record<string, unknown>) => void;
  above?: (items: T[]) => ReactNode;
}

export function Resources<T extends Named>({ kind, query, title, newTitle, empty, columns, initial, tools, editorTools, onSaved, above }: ResourcesProps<T>) {
  const { t } = useLooks();
  const opened = useOpened();
  const items = useFollowed(async (signal) => (await get<Record<string, T[]>>(`/api/v1/${kind}${query ? `?${query}` : ""}`, signal))[kind] ?? [], [], 15_000);
  const list = items.value ?? [];
  return (
    <>
      <PageHead title={title}><NewButton title={newTitle} make={opened.make} /></PageHead>
      <Failed error={items.error} again={items.again} />
      {!items.value && !items.error && <Spin />}
      {items.value && !list.length && <Hint title={empty.title} text={empty.text} command={applied(kWords[kind], empty.command)} />}
      {above && list.length > 0 && above(list)}
      {list.length > 0 && (
        <Panel>
          <div className="table-wrap">
            <CardTable>
              <thead><tr><th>{t("common.name")}</th>{columns.map((column) => <th key={column.title}>{column.title}</th>)}<th>{t("common.actions")}</th></tr></thead>
              <tbody>
                {list.map((item) => (
                  <tr key={item.name}>
                    <td className="name">{item.name} <Origin item={item} />{item.fault && <div className="bad">{item.fault}</div>}</td>
                    {columns.map((column) => <td key={column.title}>{column.show(item)}</td>)}
                    <td><span className="row-tools">{tools?.(item, items.again)}<ItemTools kind={kind} item={item} edit={() => opened.edit(item.name)} done={items.again} /></span></td>
                  </tr>
                ))}
              </tbody>
            </CardTable>
          </div>
        </Panel>
      )}
      {opened.open && (
        <EditDrawer key={opened.name ?? ""} kind={kind} name={opened.name} title={opened.name ?? newTitle} initial={initial} tools={editorTools} onClose={opened.close}
                    onSaved={(answer) => { opened.close(); items.again(); onSaved?.(answer); }} />
      )}
    </>
  );
}
