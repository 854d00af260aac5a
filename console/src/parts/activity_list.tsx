// SPDX-License-Identifier: Apache-2.0
/** The ledger as a timeline: what happened, when, and behind each entry why. */
import { Button, Tag } from "antd";
import { useState } from "react";
import type { Entry } from "../core/types";
import { number } from "../core/format";
import { follow } from "../core/router";
import { useLooks } from "../i18n";
import { Time } from "./pieces";
import { Said } from "./said";

const tone = (kind: string) =>
  /firing|lost|failed|error|refused|degraded|timeout|expired/.test(kind) ? "red" : /pending|draining|launching|booting|no_data|deferred/.test(kind) ? "gold"
    : /ready|ok|steady|sent|accepted/.test(kind) ? "green" : "default";

interface Ranked { node: string; rank: number; reason: string }

function Value({ value }: { value: unknown }) {
  if (value === null || value === undefined || value === "") return <>–</>;
  if (typeof value === "number") return <>{number(value, 3)}</>;
  if (typeof value === "object") return <code>{JSON.stringify(value)}</code>;
  return <Said text={String(value)} />;
}

/** Everything an entry was decided from, and for every node not chosen, why. */
export function Why({ entry }: { entry: Entry }) {
  const { t } = useLooks();
  const { ranking, ...inputs } = (entry.details ?? {}) as Record<string, unknown> & { ranking?: Ranked[] };
  return (
    <div className="why">
      {Object.keys(inputs).length > 0 && (
        <dl>
          {Object.entries(inputs).map(([key, value]) => (
            <div key={key}><dt>{key.replaceAll("_", " ")}</dt><dd><Value value={value} /></dd></div>
          ))}
        </dl>
      )}
      {Array.isArray(ranking) && ranking.length > 0 && (
        <>
          <h4>{t("activity.ranking")}</h4>
          <ol>{ranking.slice(0, 50).map((each) => <li key={each.node} value={each.rank > 0 ? each.rank : undefined}><code>{each.node}</code> {each.reason}</li>)}</ol>
        </>
      )}
      <p className="quiet"><Time at={entry.at} /> · {entry.kind} · #{entry.id}</p>
    </div>
  );
}

function Line({ entry, open, toggle }: { entry: Entry; open: boolean; toggle: () => void }) {
  const { t } = useLooks();
  return (
    <li className={`entry entry-${tone(entry.kind)} ${open ? "" : "entry-closed"}`}>
      <div className="entry-line">
        <span className="entry-time"><Time at={entry.at} /></span>
        <Tag bordered={false} color={tone(entry.kind)} className="entry-kind">{entry.kind}</Tag>
        <span className="entry-text"><Said text={entry.summary} /></span>
        <span className="entry-tools">
          <Button size="small" type="text" aria-expanded={open} onClick={toggle} aria-label={`${t("activity.why")}: ${entry.summary}`}>{t("activity.why")}</Button>
        </span>
      </div>
      {open && (
        <>
          <Why entry={entry} />
          {entry.correlation && <a className="entry-episode" href={`/activity?episode=${encodeURIComponent(entry.correlation)}`} onClick={follow}>{t("activity.episode")}</a>}
        </>
      )}
    </li>
  );
}

/** @param entries newest first */
export function ActivityList({ entries }: { entries: Entry[] }) {
  const [open, setOpen] = useState<ReadonlySet<number>>(new Set());
  const toggle = (id: number) => setOpen((before) => {
    const next = new Set(before);
    if (!next.delete(id)) next.add(id);
    return next;
  });
  return <ul className="entries">{entries.map((entry) => <Line key={entry.id} entry={entry} open={open.has(entry.id)} toggle={() => toggle(entry.id)} />)}</ul>;
}
