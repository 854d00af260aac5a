// SPDX-License-Identifier: Apache-2.0
import { App, Button, Modal, Popconfirm, Tag } from "antd";
import { useState } from "react";
import { ApiError, call, part } from "../core/api";
import { kNew } from "../core/definitions";
import { useMay } from "../core/session";
import type { Trigger } from "../core/types";
import { useLooks, type Key } from "../i18n";
import { useNames } from "../parts/editor";
import { Command, SecretOnce } from "../parts/pieces";
import { Resources } from "../parts/resources";

const example = (pool: string) => `triggers:\n  - {name: ${pool}-out, pool: ${pool}, type: scale_out, step: 1}\n  - {name: ${pool}-in, pool: ${pool}, type: scale_in}`;
const address = (name: string, secret: string) => `${window.location.origin}/hook/trigger?triggerUrl=${part(name)}&secret=${part(secret)}`;

const scales = (trigger: Trigger) => trigger.type.startsWith("scale_");

interface Once {
  name: string;
  secret: string;
}

function Tools({ trigger, done, told }: { trigger: Trigger; done: () => void; told: (once: Once) => void }) {
  const { t } = useLooks();
  const { message } = App.useApp();
  const admin = useMay("admin");
  const verb = trigger.enabled ? "disable" : "enable";
  const run = async (path: string, then?: (answer: { secret?: string }) => void) => {
    try {
      const answer = await call<{ secret?: string }>("POST", `/api/v1/triggers/${part(trigger.name)}/${path}`);
      then?.(answer);
      done();
    } catch (cause) {
      message.error((cause as ApiError).message);
    }
  };
  const why = admin ? undefined : t("common.readonly", { scope: "admin" });
  return (
    <>
      <Button size="small" disabled={!admin} title={why} aria-label={`${t(`triggers.${verb}`)} ${trigger.name}`} onClick={() => run(verb)}>{t(`triggers.${verb}`)}</Button>
      <Popconfirm title={t("triggers.rotate.ask", { name: trigger.name })} okText={t("triggers.rotate")} cancelText={t("common.cancel")} disabled={!admin}
                  onConfirm={() => run("rotate", (answer) => answer.secret && told({ name: trigger.name, secret: answer.secret }))}>
        <Button size="small" disabled={!admin} title={why} aria-label={`${t("triggers.rotate")}: ${trigger.name}`}>{t("triggers.rotate")}</Button>
      </Popconfirm>
    </>
  );
}

export default function Triggers() {
  const { t } = useLooks();
  const names = useNames();
  const [once, setOnce] = useState<Once>();
  const curl = (trigger: Trigger) =>
    `curl -X POST '${window.location.origin}/hook/trigger?triggerUrl=${encodeURIComponent(trigger.name)}&type=${trigger.type}${scales(trigger) ? `&step=${trigger.step}` : ""}' -H "Authorization: Bearer $SECRET"`;
  return (
    <>
      <Resources<Trigger>
        kind="triggers" title={t("triggers.title")} newTitle={t("triggers.new")} empty={{ title: t("triggers.empty.title"), text: t("triggers.empty"), command: example(names.pools?.[0] ?? "gpu") }}
        initial={names.pools?.[0] ? { pool: names.pools[0], ...kNew.triggers } : kNew.triggers}
        tools={(trigger, again) => <Tools trigger={trigger} done={again} told={setOnce} />}
        onSaved={(answer) => typeof answer.secret === "string" && setOnce({ name: String(answer.name), secret: answer.secret })}
        columns={[
          { title: t("common.pool"), show: (trigger) => trigger.command?.join(" ") ?? trigger.url ?? trigger.pool },
          { title: t("common.type"), show: (trigger) => <Tag bordered={false} color={trigger.type === "scale_out" ? "green" : "blue"}>{["scale_out", "scale_in"].includes(trigger.type) ? t(`triggers.${trigger.type}` as Key) : trigger.type}</Tag> },
          { title: t("triggers.step"), show: (trigger) => (scales(trigger) ? trigger.step : <span title={trigger.last?.result}>{trigger.last?.state ?? "–"}</span>) },
          { title: t("triggers.enabled"), show: (trigger) => (trigger.enabled ? t("common.yes") : t("common.no")) },
          { title: t("triggers.url"), show: (trigger) => <Command text={curl(trigger)} /> },
        ]}
      />
      {once && (
        <Modal open title={t("triggers.secret", { name: once.name })} closable={false} maskClosable={false} width="min(720px, 100vw)" footer={<Button type="primary" onClick={() => setOnce(undefined)}>{t("common.close")}</Button>}>
          <SecretOnce title={t("triggers.once.url")} secret={address(once.name, once.secret)} />
        </Modal>
      )}
    </>
  );
}
