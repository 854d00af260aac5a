// SPDX-License-Identifier: Apache-2.0
/** The one timeline from sample to node. */
import { Button, Input, Segmented } from "antd";
import { useMemo, useState } from "react";
import { get, part } from "../core/api";
import { useFollowed } from "../core/data";
import { kindIn, sentenceIn } from "../core/entry_text";
import { useParam } from "../core/router";
import type { Entry } from "../core/types";
import { useLooks, type Key } from "../i18n";
import { ActivityList } from "../parts/activity_list";
import { Failed, Hint, PageHead, Panel } from "../parts/pieces";

const kKinds = ["", "people", "rule", "message", "trigger", "pool", "node", "policy"];
/** What somebody did by hand: the change log. */
const kByPeople = "config.,token.,session.,rule.silenced,rule.paused,channel.tested,message.replayed,trigger.rotated,trigger.enabled,trigger.disabled,node.protected,node.unprotected,node.held,pool.held,pool.resumed,pool.desired,policy.promoted,policy.rolled_back";
/** A size may be set by a person, or by what they declared. */
const byHand = ({ kind, details }: Entry) => kind !== "pool.desired" || /^(admin|anonymous|token) ?/.test(String(details?.source ?? ""));

export default function Activity() {
  const { t, language } = useLooks();
  const [kind, setKind] = useParam("kind", "");
  const [episode, setEpisode] = useParam("episode", "");
  const [text, setText] = useParam("q", "");
  const [limit, setLimit] = useState(200);
  const query = `limit=${limit}${kind === "people" ? `&kind=${kByPeople}` : kind ? `&kind=${part(kind)}.` : ""}${episode ? `&correlation=${part(episode)}` : ""}`;
  const followed = useFollowed((signal) => get<{ activity: Entry[] }>(`/api/v1/activity?${query}`, signal), [query]);
  const all = followed.value?.activity ?? [];
  const looked = kind === "people" ? all.filter(byHand) : all;
  const shown = useMemo(() => {
    const wanted = text.toLowerCase();
    const fits = (entry: Entry) => !wanted || `${entry.kind} ${kindIn(language, entry.kind)} ${entry.subject} ${entry.pool} ${entry.summary} ${sentenceIn(language, entry)}`.toLowerCase().includes(wanted);
    const list = looked.filter(fits);
    return episode ? list : list.reverse();  // an episode is read as it happened
  }, [all, kind, text, episode, language]);
  return (
    <>
      <PageHead title={t("activity.title")}>
        <Input.Search allowClear className="filter" value={text} onChange={(event) => setText(event.target.value)} placeholder={t("activity.filter")} aria-label={t("activity.filter")} />
        <Segmented aria-label={t("activity.kind")} value={kind} onChange={(value) => setKind(String(value))}
                   options={kKinds.map((each) => ({ value: each, label: t(`activity.kinds.${each || "all"}` as Key) }))} />
        {episode && <Button onClick={() => setEpisode("")}>{t("activity.episode.all")}</Button>}
      </PageHead>
      <Failed error={followed.error} again={followed.again} />
      <Panel>
        <ActivityList entries={shown} />
        {followed.value && !shown.length && <Hint title={t("activity.empty.title")} text={t("activity.empty")} command={`gpuscale pool scale gpu 3 --server ${window.location.origin}`} />}
        {all.length >= limit && limit < 10_000 && <Button onClick={() => setLimit(Math.min(limit * 4, 10_000))}>{t("activity.more")}</Button>}
      </Panel>
    </>
  );
}
