// SPDX-License-Identifier: Apache-2.0
import { Tag } from "antd";
import { get } from "../core/api";
import { useFollowed } from "../core/data";
import type { Pool, Trigger } from "../core/types";
import { useLooks, type Key } from "../i18n";
import { Command } from "../parts/pieces";
import { Resources } from "../parts/resources";

const kExample = "triggers:\n  - {name: gpu-out, pool: gpu, type: scale_out, step: 1}\n  - {name: gpu-in,  pool: gpu, type: scale_in}";

export default function Triggers() {
  const { t } = useLooks();
  const pools = useFollowed((signal) => get<{ pools: Pool[] }>("/api/v1/pools", signal), [], 0, false);
  const curl = (trigger: Trigger) =>
    `curl -X POST '${window.location.origin}/hook/trigger?triggerUrl=${encodeURIComponent(trigger.name)}&type=${trigger.type}&step=${trigger.step}' -H "Authorization: Bearer $SECRET"`;
  return (
    <Resources<Trigger>
      kind="triggers" title={t("triggers.title")} newTitle={t("triggers.new")} empty={{ title: t("triggers.empty.title"), text: t("triggers.empty"), command: kExample }}
      choices={{ type: ["scale_out", "scale_in"], pool: (pools.value?.pools ?? []).map((pool) => pool.name) }} initial={{ step: 1, type: "scale_out", enabled: true, pool: pools.value?.pools[0]?.name }}
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
