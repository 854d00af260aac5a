// SPDX-License-Identifier: Apache-2.0
/** A page of named things that can be listed, made, changed, tested and removed, as far as the server has calls for it. */
import { App, Button, Modal, Popconfirm, Spin } from "antd";
import { useState, type ReactNode } from "react";
import { ApiError, call, get } from "../core/api";
import { useFollowed } from "../core/data";
import { filled, find, usePaths } from "../core/openapi";
import { useMay } from "../core/session";
import { useLooks } from "../i18n";
import { FormDialog } from "./schema_form";
import { Failed, Hint, isDeclared, Origin, PageHead, Panel, SecretOnce } from "./pieces";

export interface Named {
  origin?: unknown;
  declared?: unknown;
  name: string;
  [key: string]: unknown;
}
export interface ResourcesProps<T extends Named> {
  kind: string; // "triggers": the resource's name in the API
  query?: string; // of the list
  title: string;
  newTitle: string;
  empty: { title: string; text: string; command: string };
  columns: { title: string; show: (item: T) => ReactNode }[];
  choices?: Record<string, string[]>;
  initial?: Record<string, unknown>;
  tools?: (item: T, again: () => void) => ReactNode;
  onTested?: (answer: unknown) => string;
  above?: (items: T[]) => ReactNode;
}

/** A secret in an answer, whatever the call names it. */
export function secretIn(answer: unknown): string | undefined {
  const found = (answer as { secret?: unknown } | undefined)?.secret;
  return typeof found === "string" && found ? found : undefined;
}

export function Resources<T extends Named>({ kind, query, title, newTitle, empty, columns, choices, initial, tools, onTested, above }: ResourcesProps<T>) {
  const { t } = useLooks();
  const { message } = App.useApp();
  const paths = usePaths();
  const admin = useMay("admin");
  const base = `/api/v1/${kind}`;
  const known = paths === undefined ? undefined : find(paths, `GET ${base}`);
  const items = useFollowed(async (signal) => (known ? ((await get<Record<string, T[]>>(query ? `${base}?${query}` : base, signal))[kind] ?? []) : []), [!!known], 15_000);
  const [editing, setEditing] = useState<T | "new">();
  const [secret, setSecret] = useState<{ name: string; secret: string }>();
  const one = `${base}/{name}`;
  const create = find(paths, `POST ${base}`);
  const update = find(paths, `PATCH ${one}`, `PUT ${one}`);
  const remove = find(paths, `DELETE ${one}`);
  const test = find(paths, `POST ${one}/test`);
  const rotate = find(paths, `POST ${one}/rotate`, `POST ${one}/secret`, `POST ${one}/rotate_secret`, `POST ${one}/rotate-secret`);
  const run = async (to: { method: string; path: string }, item: T, then: (answer: unknown) => void) => {
    try {
      then(await call(to.method, filled(to.path, item.name), to.method === "DELETE" ? undefined : {}));
      items.again();
    } catch (cause) {
      message.error((cause as ApiError).message);
    }
  };
  const told = (item: T, answer: unknown) => {
    const fresh = secretIn(answer);
    if (fresh) setSecret({ name: item.name, secret: fresh });
  };
  const list = items.value ?? [];
  const to = editing === "new" ? create : update;
  const changes = admin && (update || remove || test || rotate);
  return (
    <>
      <PageHead title={title}>{create && admin && <Button type="primary" onClick={() => setEditing("new")}>{newTitle}</Button>}</PageHead>
      <Failed error={items.error} again={items.again} />
      {(!paths || (!items.value && !items.error)) && <Spin />}
      {paths && items.value && !list.length && <Hint title={empty.title} text={empty.text} command={empty.command}>{!create && <p className="gap-above">{t("common.unsupported")}</p>}</Hint>}
      {above && list.length > 0 && above(list)}
      {list.length > 0 && (
        <Panel>
          <div className="table-wrap">
            <table className="plain">
              <thead><tr><th>{t("common.name")}</th>{columns.map((column) => <th key={column.title}>{column.title}</th>)}{(changes || tools) && <th>{t("common.actions")}</th>}</tr></thead>
              <tbody>
                {list.map((item) => (
                  <tr key={item.name}>
                    <td className="name">{item.name} <Origin item={item} /></td>
                    {columns.map((column) => <td key={column.title}>{column.show(item)}</td>)}
                    {(changes || tools) && (
                      <td>
                        <span className="row-tools">
                          {tools?.(item, items.again)}
                          {admin && test && <Button size="small" onClick={() => run(test, item, (answer) => message.info(onTested?.(answer) ?? t("common.done")))}>{t("common.test")}</Button>}
                          {admin && rotate && !isDeclared(item) && (
                            <Popconfirm title={t("triggers.rotate.ask", { name: item.name })} okText={t("triggers.rotate")} cancelText={t("common.cancel")} onConfirm={() => run(rotate, item, (answer) => told(item, answer))}>
                              <Button size="small">{t("triggers.rotate")}</Button>
                            </Popconfirm>
                          )}
                          {admin && update && !isDeclared(item) && <Button size="small" aria-label={`${t("common.edit")} ${item.name}`} onClick={() => setEditing(item)}>{t("common.edit")}</Button>}
                          {admin && remove && !isDeclared(item) && (
                            <Popconfirm title={`${t("common.delete")}: ${item.name}?`} okText={t("common.delete")} cancelText={t("common.cancel")} onConfirm={() => run(remove, item, () => undefined)}>
                              <Button size="small" danger aria-label={`${t("common.delete")} ${item.name}`}>{t("common.delete")}</Button>
                            </Popconfirm>
                          )}
                        </span>
                      </td>
                    )}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          {!create && <p className="quiet">{t("common.unsupported")}</p>}
        </Panel>
      )}
      {editing && paths && to && (
        <FormDialog title={editing === "new" ? newTitle : editing.name} paths={paths} to={to} item={editing === "new" ? undefined : editing.name} fixed={editing === "new" ? [] : ["name"]}
                    initial={editing === "new" ? initial : editing} choices={choices} onClose={() => setEditing(undefined)}
                    onDone={(answer, body) => { setEditing(undefined); items.again(); told({ name: String(body.name ?? "") } as T, answer); }} />
      )}
      {secret && (
        <Modal open title={title} closable={false} maskClosable={false} footer={<Button type="primary" onClick={() => setSecret(undefined)}>{t("common.close")}</Button>}>
          <SecretOnce title={t("triggers.secret", { name: secret.name })} secret={secret.secret} />
        </Modal>
      )}
    </>
  );
}
