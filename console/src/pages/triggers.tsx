// SPDX-License-Identifier: Apache-2.0
import { App, Button, Tag } from "antd";
import { ApiError, call, get, part } from "../core/api";
import { useFollowed } from "../core/data";
import { find, usePaths } from "../core/openapi";
import { useMay } from "../core/session";
import type { Pool, Trigger } from "../core/types";
import { useLooks, type Key } from "../i18n";
import { Command } from "../parts/pieces";
import { Resources } from "../parts/resources";

const kExample = "triggers:\n  - {name: gpu-out, pool: gpu, type: scale_out, step: 1}\n  - {name: gpu-in,  pool: gpu, type: scale_in}";

function Switch({ trigger, done }: { trigger: Trigger; done: () => void }) {
  const { t } = useLooks();
  const { message } = App.useApp();
  const paths = usePaths();
  const admin = useMay("admin");
  const verb = trigger.enabled ? "disable" : "enable";
  if (!admin || !find(paths, `POST /api/v1/triggers/{name}/${verb}`)) return null;
  const act = async () => {
    try {
      await call("POST", `/api/v1/triggers/${part(trigger.name)}/${verb}`);
      done();
    } catch (cause) {
      message.error((cause as ApiError).message);
    }
  };
  return <Button size="small" aria-label={`${t(`triggers.${verb}`)} ${trigger.name}`} onClick={act}>{t(`triggers.${verb}`)}</Button>;
}

export default function Triggers() {
  const { t } = useLooks();
  const pools = useFollowed((signal) => get<{ pools: Pool[] }>("/api/v1/pools", signal), [], 0, false);
  const curl = (trigger: Trigger) =>
    `curl -X POST '${window.location.origin}/hook/trigger?triggerUrl=${encodeURIComponent(trigger.name)}&type=${trigger.type}&step=${trigger.step}' -H "Authorization: Bearer $SECRET"`;
  return (
    <Resources<Trigger>
      kind="triggers" title={t("triggers.title")} newTitle={t("triggers.new")} empty={{ title: t("triggers.empty.title"), text: t("triggers.empty"), command: kExample }}
      choices={{ type: ["scale_out", "scale_in"], pool: (pools.value?.pools ?? []).map((pool) => pool.name) }} initial={{ step: 1, type: "scale_out", enabled: true, pool: pools.value?.pools[0]?.name }}
      tools={(trigger, again) => <Switch trigger={trigger} done={again} />}
      columns={[
        { title: t("common.pool"), show: (trigger) => trigger.pool },
        { title: t("common.type"), show: (trigger) => <Tag bordered={false} color={trigger.type === "scale_out" ? "green" : "blue"}>{["scale_out", "scale_in"].includes(trigger.type) ? t(`triggers.${trigger.type}` as Key) : trigger.type}</Tag> },
        { title: t("triggers.step"), show: (trigger) => trigger.step },
        { title: t("triggers.enabled"), show: (trigger) => (trigger.enabled ? t("common.yes") : t("common.no")) },
        { title: t("triggers.url"), show: (trigger) => <Command text={curl(trigger)} /> },
      ]}
    />
  );
}
