// SPDX-License-Identifier: Apache-2.0
import { get } from "../core/api";
import { useFollowed } from "../core/data";
import type { Pool } from "../core/types";
import { useLooks } from "../i18n";
import { Time } from "../parts/pieces";
import { Resources, type Named } from "../parts/resources";

interface Schedule extends Named {
  cron?: string;
  timezone?: string;
  pool?: string;
  set?: Record<string, unknown>;
  next?: string | string[] | null;
}
const kExample = 'schedules:\n  - {name: morning peak, cron: "30 8 * * 1-5", timezone: Asia/Shanghai, pool: gpu, set: {min: 4}}';

export default function Schedules() {
  const { t } = useLooks();
  const pools = useFollowed((signal) => get<{ pools: Pool[] }>("/api/v1/pools", signal), [], 0, false);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const next = (schedule: Schedule) => (Array.isArray(schedule.next) ? schedule.next : schedule.next ? [schedule.next] : []).slice(0, 3);
  return (
    <Resources<Schedule>
      kind="schedules" title={t("schedules.title")} newTitle={t("schedules.new")} empty={{ title: t("schedules.empty.title"), text: t("schedules.empty"), command: kExample }}
      choices={{ pool: (pools.value?.pools ?? []).map((pool) => pool.name) }} initial={{ timezone: zone, cron: "30 8 * * 1-5", pool: pools.value?.pools[0]?.name }}
      columns={[
        { title: t("schedules.cron"), show: (schedule) => <code>{schedule.cron}</code> },
        { title: t("schedules.zone"), show: (schedule) => schedule.timezone },
        { title: t("common.pool"), show: (schedule) => schedule.pool },
        { title: t("schedules.set"), show: (schedule) => Object.entries(schedule.set ?? {}).map(([key, value]) => `${key} ${String(value)}`).join(", ") },
        { title: t("schedules.next"), show: (schedule) => next(schedule).map((at) => <div key={at}><Time at={at} /></div>) },
      ]}
    />
  );
}
