// SPDX-License-Identifier: Apache-2.0
import { get } from "../core/api";
import { useFollowed } from "../core/data";
import { when } from "../core/format";
import type { Pool } from "../core/types";
import { useLooks, type Text } from "../i18n";
import { Panel, Time } from "../parts/pieces";
import { Resources, type Named } from "../parts/resources";

interface Schedule extends Named {
  when?: string;
  timezone?: string;
  for?: string;
  enabled?: boolean;
  pool?: string;
  min?: number | null;
  max?: number | null;
  floor?: number | null;
  trigger?: string;
  step?: number | null;
  mute?: string | string[];
  last_run?: string | null;
  holds_until?: string | null;
  next_runs?: string[];
}

function effect(schedule: Schedule, t: Text): string {
  const bounds = (["min", "max", "floor"] as const).flatMap((key) => (typeof schedule[key] === "number" ? [`${key} ${schedule[key]}`] : []));
  const pulls = schedule.trigger ? [`${schedule.trigger}${schedule.step ? ` × ${schedule.step}` : ""}`] : [];
  const mutes = schedule.mute?.length ? [t("schedules.mute", { what: [schedule.mute].flat().join(", ") })] : [];
  const lasts = schedule.for && schedule.for !== "0s" ? ` ${t("schedules.lasts", { for: schedule.for })}` : "";
  return [...bounds, ...pulls, ...mutes].join(", ") + lasts;
}

/** The seven days from today, each with what runs on it. */
function Week({ schedules }: { schedules: Schedule[] }) {
  const { t, language } = useLooks();
  const start = new Date().setHours(0, 0, 0, 0);
  const days = Array.from({ length: 7 }, (_, i) => new Date(new Date(start).setDate(new Date(start).getDate() + i)));
  const runs = schedules.flatMap((schedule) => (schedule.next_runs ?? []).map((at) => ({ schedule, at: new Date(at) }))).sort((a, b) => a.at.getTime() - b.at.getTime());
  return (
    <Panel title={t("schedules.week")}>
      <ol className="week">
        {days.map((day) => (
          <li key={day.getTime()}>
            <strong>{day.toLocaleDateString(language === "zh" ? "zh-CN" : "en-GB", { weekday: "short", day: "numeric", month: "short" })}</strong>
            {runs.filter((run) => run.at.toDateString() === day.toDateString()).slice(0, 24).map((run) => (
              <div key={`${run.schedule.name}-${run.at.getTime()}`} title={effect(run.schedule, t)}><Time at={run.at.getTime()} /> {run.schedule.name}</div>
            ))}
          </li>
        ))}
      </ol>
    </Panel>
  );
}

const kExample = 'schedules:\n  - {name: morning peak, cron: "30 8 * * 1-5", timezone: Asia/Shanghai, pool: gpu, set: {min: 4}}';

export default function Schedules() {
  const { t, language } = useLooks();
  const pools = useFollowed((signal) => get<{ pools: Pool[] }>("/api/v1/pools", signal), [], 0, false);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <Resources<Schedule>
      kind="schedules" title={t("schedules.title")} newTitle={t("schedules.new")} empty={{ title: t("schedules.empty.title"), text: t("schedules.empty"), command: kExample }}
      query="runs=60" above={(items) => <Week schedules={items} />}
      choices={{ pool: (pools.value?.pools ?? []).map((pool) => pool.name) }} initial={{ timezone: zone, cron: "30 8 * * 1-5", pool: pools.value?.pools[0]?.name }}
      columns={[
        { title: t("schedules.cron"), show: (schedule) => <><code>{schedule.when}</code>{schedule.enabled === false && ` (${t("schedules.off")})`}</> },
        { title: t("schedules.zone"), show: (schedule) => schedule.timezone },
        { title: t("common.pool"), show: (schedule) => schedule.pool || "–" },
        { title: t("schedules.set"), show: (schedule) => <>{effect(schedule, t)}{schedule.holds_until && <div>{t("schedules.holds", { until: when(schedule.holds_until, language) })}</div>}</> },
        { title: t("schedules.last"), show: (schedule) => <Time at={schedule.last_run} /> },
        { title: t("schedules.next"), show: (schedule) => (schedule.next_runs ?? []).slice(0, 3).map((at) => <div key={at}><Time at={at} /></div>) },
      ]}
    />
  );
}
