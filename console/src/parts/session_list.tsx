// SPDX-License-Identifier: Apache-2.0
/** Who is signed in, and an end to that. */
import { App, Button, Popconfirm, Tag } from "antd";
import { ApiError, call, get, part } from "../core/api";
import { browserName } from "../core/browser_name";
import { useFollowed } from "../core/data";
import type { OpenSession } from "../core/types";
import { useLooks } from "../i18n";
import { CardTable } from "./cards";
import { Failed, Panel, Time } from "./pieces";

export function SessionList() {
  const { t } = useLooks();
  const { message } = App.useApp();
  const sessions = useFollowed((signal) => get<{ sessions: OpenSession[] }>("/api/v1/sessions", signal), [], 30_000);
  const end = async (session: OpenSession) => {
    try {
      await call("DELETE", `/api/v1/sessions/${part(session.id)}`);
    } catch (cause) {
      message.error((cause as ApiError).message);
    }
    sessions.again();
  };
  const list = sessions.value?.sessions ?? [];
  return (
    <Panel title={t("sessions.title")}>
      <Failed error={sessions.error} again={sessions.again} />
      {sessions.value && !list.length && <p className="quiet">{t("sessions.none")}</p>}
      {list.length > 0 && (
        <div className="table-wrap">
          <CardTable>
            <thead><tr><th>{t("sessions.who")}</th><th>{t("sessions.peer")}</th><th>{t("sessions.browser")}</th><th>{t("sessions.opened")}</th><th>{t("sessions.used")}</th><th>{t("common.actions")}</th></tr></thead>
            <tbody>{list.map((session) => (
              <tr key={session.id}>
                <td className="name">{session.who} {session.own && <Tag bordered={false} color="green">{t("sessions.own")}</Tag>}</td><td>{session.peer}</td><td title={session.browser}>{browserName(session.browser)}</td>
                <td className="number"><Time at={session.opened} /></td><td className="number"><Time at={session.used} /></td>
                <td><Popconfirm title={t("sessions.end.ask", { who: session.who })} okText={t("sessions.end")} cancelText={t("common.cancel")} onConfirm={() => end(session)}>
                  <Button size="small" danger disabled={session.own} title={session.own ? t("sessions.own.hint") : undefined} aria-label={`${t("sessions.end")}: ${session.who} ${session.peer}`}>{t("sessions.end")}</Button>
                </Popconfirm></td>
              </tr>
            ))}</tbody>
          </CardTable>
        </div>
      )}
      <p className="quiet">{t("sessions.hint")}</p>
    </Panel>
  );
}
