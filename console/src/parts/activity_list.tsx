// SPDX-License-Identifier: Apache-2.0
/** The ledger as a timeline: what happened, when, and behind each entry why. */
import { Button, Tag } from "antd";
import { useState } from "react";
import { get, part } from "../core/api";
import { useFollowed } from "../core/data";
import { kindIn, sentenceIn } from "../core/entry_text";
import type { Entry } from "../core/types";
import { number } from "../core/format";
import { follow } from "../core/router";
import { useLooks } from "../i18n";
import { Time } from "./pieces";
import { Said } from "./said";

const tone = (kind: string) =>
  /firing|lost|failed|error|refused|degraded|timeout|expired/.test(kind) ? "red" : /pending|draining|launching|booting|no_data|deferred/.test(kind) ? "gold"
    : /ready|ok|steady|sent|accepted/.test(kind) ? "green" : "default";

/** Of an episode, around the entry that is asked about. */
const kBefore = 6;
const kAfter = 8;

interface Ranked { node: string; rank: number; reason: string }

function Value({ value }: { value: unknown }) {
  if (value === null || value === undefined || value === "") return <>–</>;
  if (typeof value === "number") return <>{number(value, 3)}</>;
  if (typeof value === "object") return <code>{JSON.stringify(value)}</code>;
  return <Said text={String(value)} />;
}

function Kind({ kind }: { kind: string }) {
  const { language } = useLooks();
  return <Tag bordered={false} color={tone(kind)} className="entry-kind" title={kind}>{kindIn(language, kind)}</Tag>;
}

/** What led to an entry and what came of it: the sample that a rule saw, the trigger, the node. */
function Chain({ entry }: { entry: Entry }) {
  const { t, language } = useLooks();
  const episode = useFollowed((signal) => get<{ activity: Entry[] }>(`/api/v1/activity?limit=1000&correlation=${part(entry.correlation)}`, signal), [entry.correlation], 0, false);
  const all = episode.value?.activity ?? [];
  const here = all.findIndex((each) => each.id === entry.id);
  if (all.length < 2 || here < 0) return null;
  const first = all.findIndex((each) => each.kind === "rule.firing" && each.id < entry.id);
  const shown = all.filter((_, i) => i === first || (i >= here - kBefore && i <= here + kAfter));
  return (
    <>
      <h4>{t("activity.chain")}</h4>
      <ol className="chain">{shown.map((each) => <li key={each.id} className={each.id === entry.id ? "chain-here" : ""}><span className="entry-time"><Time at={each.at} /></span><Kind kind={each.kind} /><span><Said text={sentenceIn(language, each)} /></span></li>)}</ol>
    </>
  );
}

/** Everything an entry was decided from, and for every node not chosen, why. */
export function Why({ entry }: { entry: Entry }) {
  const { t, language } = useLooks();
  const { ranking, ...inputs } = (entry.details ?? {}) as Record<string, unknown> & { ranking?: Ranked[] };
  return (
    <div className="why">
      {entry.correlation && <Chain entry={entry} />}
      {language !== "en" && sentenceIn(language, entry) !== entry.summary && <p className="quiet">{entry.summary}</p>}
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
  const { t, language } = useLooks();
  const sentence = sentenceIn(language, entry);
  return (
    <li className={`entry entry-${tone(entry.kind)} ${open ? "" : "entry-closed"}`}>
      <div className="entry-line">
        <span className="entry-time"><Time at={entry.at} /></span>
        <Kind kind={entry.kind} />
        <span className="entry-text"><Said text={sentence} /></span>
        <span className="entry-tools">
          <Button size="small" type="text" aria-expanded={open} onClick={toggle} aria-label={`${t("activity.why")}: ${sentence}`}>{t("activity.why")}</Button>
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
