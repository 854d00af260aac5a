// SPDX-License-Identifier: Apache-2.0
import { App, Button } from "antd";
import { ApiError, call, part } from "../core/api";
import { calendar, knownUntil } from "../core/calendar";
import { kNew } from "../core/definitions";
import { clock, utc, when } from "../core/format";
import { useMay } from "../core/session";
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
  const bounds = (["min", "max", "floor"] as const).flatMap((key) => (typeof schedule[key] === "number" ? [t(`schedules.set.${key}`, { n: schedule[key] })] : []));
  const pulls = schedule.trigger ? [`${schedule.trigger}${schedule.step ? ` × ${schedule.step}` : ""}`] : [];
  const mutes = schedule.mute?.length ? [t("schedules.mute", { what: [schedule.mute].flat().join(", ") })] : [];
  const lasts = schedule.for && schedule.for !== "0s" ? ` ${t("schedules.lasts", { for: schedule.for })}` : "";
  return [...bounds, ...pulls, ...mutes].join(", ") + lasts;
}

const kWeeks = 2;
const kRuns = 100; // as many as the server tells
const tone = (schedule: Schedule | undefined) => (schedule?.mute?.length ? "mute" : schedule?.trigger ? "pull" : "bounds");

/** Two weeks from this Monday, each day with what runs on it. */
function Calendar({ schedules }: { schedules: Schedule[] }) {
  const { t, language } = useLooks();
  const runs = schedules.filter((each) => each.enabled !== false).flatMap((schedule) =>
    [...(schedule.last_run ? [schedule.last_run] : []), ...(schedule.next_runs ?? [])].map((at) => ({ name: schedule.name, at: Date.parse(at) })));
  const locale = language === "zh" ? "zh-CN" : "en-GB";
  const now = Date.now();
  return (
    <Panel title={t("schedules.calendar")}>
      <ol className="calendar" aria-label={t("schedules.calendar")} tabIndex={0}>
        {calendar(runs, now, kWeeks).map((day) => (
          <li key={day.begin} className={`${day.past ? "day-past" : ""} ${new Date(now).toDateString() === new Date(day.begin).toDateString() ? "day-now" : ""} ${day.slots.length ? "" : "day-empty"}`}>
            <strong>{new Date(day.begin).toLocaleDateString(locale, { weekday: "short", day: "numeric", month: "short" })}</strong>
            {day.slots.map(({ name, times }) => {
              const schedule = schedules.find((each) => each.name === name);
              return (
                <div key={`${name}-${times[0]}`} className={`slot slot-${tone(schedule)}`}>
                  <span><time dateTime={new Date(times[0]).toISOString()} title={utc(times[0])}>{clock(times[0], language).slice(0, 5)}</time>{times.length > 1 && ` × ${times.length}`} <b>{name}</b></span>
                  <small>{schedule && effect(schedule, t)}</small>
                </div>
              );
            })}
          </li>
        ))}
      </ol>
      {schedules.filter((each) => each.enabled !== false).map((schedule) => {
        const until = knownUntil((schedule.next_runs ?? []).map((at) => Date.parse(at)), kRuns, now, kWeeks);
        return until !== undefined && <p key={schedule.name} className="quiet">{t("schedules.cut", { name: schedule.name, until: when(until, language, false) })}</p>;
      })}
    </Panel>
  );
}

const kExample = 'schedules:\n  - {name: morning peak, cron: "30 8 * * 1-5", timezone: Asia/Shanghai, pool: gpu, set: {min: 4}}';

/** Off or on, whatever its definition says. */
function Switch({ schedule, done }: { schedule: Schedule; done: () => void }) {
  const { t } = useLooks();
  const { message } = App.useApp();
  const admin = useMay("admin");
  const on = schedule.enabled !== false;
  const verb = t(on ? "schedules.disable" : "schedules.enable");
  const turn = async () => {
    try {
      await call("POST", `/api/v1/schedules/${part(schedule.name)}/enabled`, { enabled: !on });
      done();
    } catch (cause) {
      message.error((cause as ApiError).message);
    }
  };
  return <Button size="small" disabled={!admin} title={admin ? undefined : t("common.readonly", { scope: "admin" })} aria-label={`${verb} ${schedule.name}`} onClick={turn}>{verb}</Button>;
}

export default function Schedules() {
  const { t, language } = useLooks();
  return (
    <Resources<Schedule>
      kind="schedules" title={t("schedules.title")} newTitle={t("schedules.new")} empty={{ title: t("schedules.empty.title"), text: t("schedules.empty"), command: kExample }}
      query={`runs=${kRuns}`} above={(items) => <Calendar schedules={items} />}
      initial={{ ...kNew.schedules, timezone: Intl.DateTimeFormat().resolvedOptions().timeZone }}
      tools={(schedule, again) => <Switch schedule={schedule} done={again} />}
      columns={[
        { title: t("schedules.cron"), show: (schedule) => <><code>{schedule.when}</code>{schedule.enabled === false && ` (${t("schedules.off")})`}</> },
        { title: t("schedules.zone"), show: (schedule) => schedule.timezone },
        { title: t("common.pool"), show: (schedule) => schedule.pool || "–" },
        { title: t("schedules.set"), show: (schedule) => <>{effect(schedule, t)}{schedule.holds_until && <div>{t("schedules.holds", { until: when(schedule.holds_until, language, false) })}</div>}</> },
        { title: t("schedules.last"), show: (schedule) => <Time at={schedule.last_run} fine={false} /> },
        { title: t("schedules.next"), show: (schedule) => (schedule.next_runs ?? []).slice(0, 3).map((at) => <div key={at}><Time at={at} fine={false} /></div>) },
      ]}
    />
  );
}
