// SPDX-License-Identifier: Apache-2.0
/** Letting another policy decide, on probation, and taking that back. */
import { Alert, App, Button, Modal, Popconfirm, Segmented, Select } from "antd";
import { useState } from "react";
import { ApiError, call, get, part } from "../core/api";
import { useFollowed } from "../core/data";
import { useSending } from "../core/sending";
import { useMay } from "../core/session";
import type { Channel } from "../core/types";
import { useLooks } from "../i18n";

const kProbations = ["1h", "6h", "24h", "72h"];

function PromoteDialog({ pool, policy, onClose, onDone }: { pool: string; policy: string; onClose: () => void; onDone: () => void }) {
  const { t } = useLooks();
  const [probation, setProbation] = useState("24h");
  const [notify, setNotify] = useState<string[]>([]);
  const channels = useFollowed((signal) => get<{ channels: Channel[] }>("/api/v1/channels", signal), []);
  const { error, busy, send } = useSending();
  const promote = () => send(async () => {
    await call("POST", `/api/v1/pools/${part(pool)}/promote`, { policy, probation, ...(notify.length ? { notify } : {}) });
    onDone();
  });
  // One that pulls a trigger would answer a roll-back with a change of size.
  const people = (channels.value?.channels ?? []).filter((channel) => channel.type !== "trigger");
  return (
    <Modal open title={t("policies.promote.ask", { policy, pool })} onCancel={onClose} destroyOnHidden
           footer={[<Button key="no" onClick={onClose}>{t("common.cancel")}</Button>, <Button key="yes" type="primary" loading={busy} onClick={promote}>{t("policies.promote")}</Button>]}>
      {error && <Alert type="error" showIcon role="alert" message={error} className="gap-below" />}
      <p>{t("policies.promote.text")}</p>
      <div className="field"><span className="field-name">{t("policies.probation")}</span><Segmented aria-label={t("policies.probation")} value={probation} onChange={(value) => setProbation(String(value))} options={kProbations} /></div>
      <div className="field gap-above"><span className="field-name">{t("policies.rollback.tell")}</span><Select mode="multiple" aria-label={t("policies.rollback.tell")} value={notify} onChange={setNotify} options={people.map(({ name }) => ({ value: name }))} /></div>
    </Modal>
  );
}

export function PromoteButton({ pool, policy, done }: { pool: string; policy: string; done: () => void }) {
  const { t } = useLooks();
  const admin = useMay("admin");
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button size="small" disabled={!admin} title={admin ? undefined : t("common.readonly", { scope: "admin" })} aria-label={`${t("policies.promote")}: ${policy}`} onClick={() => setOpen(true)}>{t("policies.promote")}</Button>
      {open && <PromoteDialog pool={pool} policy={policy} onClose={() => setOpen(false)} onDone={() => { setOpen(false); done(); }} />}
    </>
  );
}

export function RollBackButton({ pool, done }: { pool: string; done: () => void }) {
  const { t } = useLooks();
  const { message } = App.useApp();
  const admin = useMay("admin");
  const back = async () => {
    try {
      await call("POST", `/api/v1/pools/${part(pool)}/rollback`, {});
    } catch (cause) {
      message.error((cause as ApiError).message);
    }
    done();
  };
  return (
    <Popconfirm title={t("policies.rollback.ask", { pool })} okText={t("policies.rollback")} cancelText={t("common.cancel")} onConfirm={back} disabled={!admin}>
      <Button size="small" disabled={!admin} title={admin ? undefined : t("common.readonly", { scope: "admin" })} aria-label={`${t("policies.rollback")}: ${pool}`}>{t("policies.rollback")}</Button>
    </Popconfirm>
  );
}
