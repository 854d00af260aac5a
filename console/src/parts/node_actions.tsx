// SPDX-License-Identifier: Apache-2.0
/** What a person may do with a node, each asked about first. */
import { App, Button, Popconfirm } from "antd";
import { ApiError, call, part } from "../core/api";
import { find, usePaths } from "../core/openapi";
import { useMay } from "../core/session";
import type { Node } from "../core/types";
import { useLooks, type Key } from "../i18n";

export function NodeActions({ node, done }: { node: Node; done: () => void }) {
  const { t } = useLooks();
  const { message } = App.useApp();
  const allowed = useMay("trigger");
  const paths = usePaths();
  const act = async (verb: string) => {
    try {
      await call("POST", `/api/v1/nodes/${part(node.id)}/${verb}`);
      done();
    } catch (cause) {
      message.error((cause as ApiError).message);
    }
  };
  const button = (verb: "protect" | "unprotect" | "release" | "drain" | "undrain", more?: string) => (
    <Popconfirm title={t(`node.${verb}.ask` as Key, { id: node.id })} description={more} okText={t(`node.${verb}` as Key)} cancelText={t("common.cancel")} onConfirm={() => act(verb)}>
      <Button size="small" danger={verb === "release"} disabled={!allowed} title={allowed ? undefined : t("common.readonly", { scope: "trigger" })}
              aria-label={`${t(`node.${verb}` as Key)} ${node.id}`}>{t(`node.${verb}` as Key)}</Button>
    </Popconfirm>
  );
  const leaving = ["draining", "ending", "gone"].includes(node.state);
  return (
    <span className="row-tools">
      {button(node.protected ? "unprotect" : "protect")}
      {!leaving && find(paths, "POST /api/v1/nodes/{id}/drain") && button("drain", t("node.drain.more"))}
      {node.state === "draining" && find(paths, "POST /api/v1/nodes/{id}/undrain") && button("undrain")}
      {!leaving && button("release", t("node.release.more"))}
    </span>
  );
}
