// SPDX-License-Identifier: Apache-2.0
/** Rules that tell nobody for a while: to see, to make and to lift. */
import { Alert, App, Button, Input, Modal, Segmented } from "antd";
import { useState } from "react";
import { ApiError, call, part } from "../core/api";
import type { Silence } from "../core/types";
import { useSending } from "../core/sending";
import { useMay } from "../core/session";
import { useLooks } from "../i18n";
import { CardTable } from "./cards";
import { Link, Panel, Time } from "./pieces";

const kSpans = ["30m", "1h", "2h", "8h", "24h", "7d"];

export function SilenceDialog({ rule, onClose, onDone }: { rule: string; onClose: () => void; onDone: () => void }) {
  const { t } = useLooks();
  const [lasts, setLasts] = useState("1h");
  const [comment, setComment] = useState("");
  const { error, busy, send: sending } = useSending();
  const send = () => sending(async () => {
    await call("POST", "/api/v1/silences", { rule, for: lasts, comment });
    onDone();
  });
  return (
    <Modal open title={t("rules.silence")} onCancel={onClose} destroyOnHidden maskClosable={false}
           footer={[<Button key="no" onClick={onClose}>{t("common.cancel")}</Button>, <Button key="yes" type="primary" loading={busy} onClick={send}>{t("rules.silence")}</Button>]}>
      {error && <Alert type="error" showIcon role="alert" message={error} className="gap-below" />}
      <p>{t("rules.silence.ask", { name: rule })}</p>
      <div className="form">
        <div className="field"><span className="field-name">{t("rules.silence.for")}</span><Segmented aria-label={t("rules.silence.for")} value={lasts} onChange={(value) => setLasts(String(value))} options={kSpans} /></div>
        <div className="field"><span className="field-name">{t("rules.silence.comment")}</span><Input aria-label={t("rules.silence.comment")} value={comment} onChange={(event) => setComment(event.target.value)} onPressEnter={send} /></div>
      </div>
    </Modal>
  );
}

export function LiftSilence({ silence, done }: { silence: Silence; done: () => void }) {
  const { t } = useLooks();
  const { message } = App.useApp();
  const admin = useMay("admin");
  const lift = async () => {
    try {
      await call("DELETE", `/api/v1/silences/${part(silence.id)}`);
      done();
    } catch (cause) {
      message.error((cause as ApiError).message);
    }
  };
  return (
    <Button size="small" onClick={lift} disabled={!admin} title={admin ? undefined : t("common.readonly", { scope: "admin" })}
            aria-label={`${t("rules.silence.lift")}: ${silence.rule || t("silences.all")}`}>{t("rules.silence.lift")}</Button>
  );
}

export function SilenceList({ silences, done }: { silences: Silence[]; done: () => void }) {
  const { t } = useLooks();
  if (!silences.length) return null;
  return (
    <Panel title={t("silences.title")}>
      <div className="table-wrap">
        <CardTable>
          <thead><tr><th>{t("nav.rules")}</th><th>{t("silences.until")}</th><th>{t("silences.who")}</th><th>{t("silences.comment")}</th><th>{t("common.actions")}</th></tr></thead>
          <tbody>
            {silences.map((each) => (
              <tr key={each.id}>
                <td className="name">{each.rule ? <Link to={`/rules/${part(each.rule)}`}>{each.rule}</Link> : t("silences.all")}{each.labels && Object.keys(each.labels).length > 0 && <div className="quiet">{Object.entries(each.labels).map(([key, value]) => `${key}=${value}`).join(", ")}</div>}</td>
                <td className="number"><Time at={each.until} /></td><td>{each.who}</td><td>{each.comment || "–"}</td><td><LiftSilence silence={each} done={done} /></td>
              </tr>
            ))}
          </tbody>
        </CardTable>
      </div>
    </Panel>
  );
}
