// SPDX-License-Identifier: Apache-2.0
import { App, Button, Drawer, Spin, Tag } from "antd";
import { useState } from "react";
import { ApiError, call, get, part } from "../core/api";
import { useFollowed } from "../core/data";
import { fitting, type Definition } from "../core/definitions";
import { when } from "../core/format";
import { useParam } from "../core/router";
import { useMay } from "../core/session";
import type { Channel, Delivery } from "../core/types";
import { useLooks, type Key } from "../i18n";
import { Failed, Link, Panel, Time } from "../parts/pieces";
import { Resources } from "../parts/resources";

const kExample = "channels:\n  - {name: ops, type: webhook, url: https://hooks.example.com/gpuscale}";
const colour: Record<string, string> = { delivered: "green", waiting: "gold", dead: "red", expired: "default", replaced: "default" };

/** What a message may tell of a rule. */
const kSent: Record<string, Key> = { ok: "rules.inactive", firing: "rules.firing", no_data: "rules.no_data", error: "rules.error" };

/** Of one channel, or what no channel could deliver. */
function Deliveries({ channel }: { channel?: string }) {
  const { t } = useLooks();
  const { message } = App.useApp();
  const admin = useMay("admin");
  const followed = useFollowed((signal) => get<{ deliveries: Delivery[] }>(channel ? `/api/v1/channels/${part(channel)}/deliveries?limit=100` : "/api/v1/deliveries/dead", signal), [channel], 5000);
  const again = async (delivery: Delivery) => {
    try {
      await call("POST", `/api/v1/deliveries/${delivery.id}/replay`, {});
      followed.again();
    } catch (cause) {
      message.error((cause as ApiError).message);
    }
  };
  const list = followed.value?.deliveries ?? [];
  const stateSent = (state: string) => (kSent[state] ? t(kSent[state]) : state);
  return (
    <>
      <Failed error={followed.error} again={followed.again} />
      {!followed.value && !followed.error && <Spin />}
      {followed.value && !list.length && <p>{t(channel ? "channels.none" : "channels.dead.none")}</p>}
      <ul className="entries">
        {list.map((delivery) => (
          <li key={delivery.id} className="entry">
            <div className="entry-line">
              <span className="entry-time"><Time at={delivery.created} /></span>
              <Tag bordered={false} color={colour[delivery.state] ?? "default"}>{delivery.state in colour ? t(`channels.state.${delivery.state}` as Key) : delivery.state}</Tag>
              <span className="entry-text">{channel ? "" : `${delivery.channel}: `}{delivery.key.replace(/^rule\//, "")} ({stateSent(delivery.state_sent)}) · {t("channels.attempts")}: {delivery.attempts}{delivery.answer_status ? ` · HTTP ${delivery.answer_status}` : ""}</span>
              {admin && !["delivered", "waiting"].includes(delivery.state) && <Button size="small" onClick={() => again(delivery)}>{t("channels.replay")}</Button>}
            </div>
            {(delivery.last_error || delivery.answer) && <div className="quiet">{delivery.last_error || delivery.answer}</div>}
            {delivery.correlation && <Link to={`/activity?episode=${part(delivery.correlation)}`}>{t("activity.chain")}</Link>}
          </li>
        ))}
      </ul>
    </>
  );
}

interface Probe {
  delivered: boolean;
  status: number;
  answer: string;
  error: string;
  took_ms: number;
}
/** Sends one message at once, and says what the receiver answered. @param definition as it is being written; absent: as it is */
function TestButton({ name, definition, disabled, small }: { name: string; definition?: Definition; disabled?: boolean; small?: boolean }) {
  const { t } = useLooks();
  const { message } = App.useApp();
  const admin = useMay("admin");
  const [busy, setBusy] = useState(false);
  const test = async () => {
    setBusy(true);
    try {
      const probe = await call<Probe>("POST", `/api/v1/channels/${part(name)}/test`, definition ? { definition } : {});
      const answer = [probe.status ? `HTTP ${probe.status}` : "", probe.answer, probe.delivered ? "" : probe.error, `${Math.round(probe.took_ms)} ms`].filter(Boolean).join(" · ");
      if (probe.delivered) message.success(t("edit.test.ok", { answer }), 8);
      else message.error(t("edit.test.bad", { answer }), 12);
    } catch (cause) {
      message.error((cause as ApiError).message, 8);
    }
    setBusy(false);
  };
  return <Button size={small ? "small" : undefined} loading={busy} disabled={!admin || disabled} title={admin ? undefined : t("common.readonly", { scope: "admin" })} aria-label={`${t("edit.test")}: ${name}`} onClick={test}>{t("edit.test")}</Button>;
}

export default function Channels() {
  const { t, language } = useLooks();
  const [shown, setShown] = useParam("deliveries", "");
  return (
    <>
      <Resources<Channel>
        kind="channels" title={t("channels.title")} newTitle={t("channels.new")} empty={{ title: t("channels.empty.title"), text: t("channels.empty"), command: kExample }}
        columns={[
          { title: t("common.type"), show: (channel) => channel.type },
          { title: t("channels.to"), show: (channel) => <><code className="wrap">{channel.trigger ?? channel.url ?? String(channel.command ?? "")}</code>{typeof channel.resting_until === "string" && <div className="bad">{t("channels.resting", { until: when(channel.resting_until, language) })}</div>}</> },
        ]}
        tools={(channel) => (
          <>
            <Button size="small" aria-label={`${t("channels.deliveries")}: ${channel.name}`} onClick={() => setShown(channel.name)}>{t("channels.deliveries")}</Button>
            {channel.type !== "trigger" && <TestButton small name={channel.name} />}
          </>
        )}
        editorTools={(editor) => editor.definition.type !== "trigger" && <TestButton name={editor.name} definition={fitting("channels", editor.definition)} disabled={!editor.complete} />}
      />
      <Panel title={t("channels.dead")}><Deliveries /></Panel>
      <Drawer open={!!shown} onClose={() => setShown("")} title={`${shown}: ${t("channels.deliveries")}`} width="min(720px, 100vw)">{shown && <Deliveries channel={shown} />}</Drawer>
    </>
  );
}
