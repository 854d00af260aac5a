// SPDX-License-Identifier: Apache-2.0
/** What to do where nothing reports yet: the exact command, with a token made for it. */
import { App, Button } from "antd";
import { useState } from "react";
import { ApiError, call } from "../core/api";
import { useMay, useSession } from "../core/session";
import { useLooks } from "../i18n";
import { Command, SecretOnce } from "./pieces";

/** The command that starts an agent here. */
export function AgentCommand() {
  const { t } = useLooks();
  const { message } = App.useApp();
  const { auth } = useSession();
  const admin = useMay("admin");
  const [token, setToken] = useState("");
  const make = async () => {
    try {
      const name = `agents ${new Date().toISOString().slice(0, 19).replace("T", " ")}`;
      setToken((await call<{ token: string }>("POST", "/api/v1/tokens", { name, scopes: ["write"] })).token);
    } catch (cause) {
      message.error((cause as ApiError).message);
    }
  };
  const command = `gpuscale agent --server ${window.location.origin}`;
  if (!auth) return <Command text={command} />;
  if (token) return <SecretOnce title={t("first.agent")} secret={`${command} --token ${token}`} />;
  return (
    <>
      <Command text={`${command} --token TOKEN`} />
      <Button className="gap-above" type="primary" onClick={make} disabled={!admin} title={admin ? undefined : t("common.readonly", { scope: "admin" })}>{t("first.token")}</Button>
    </>
  );
}

/** Where no GPU reports: an agent, or the demo. */
export function FirstRun() {
  const { t } = useLooks();
  return (
    <div className="hint" data-testid="hint">
      <h3>{t("overview.empty.title")}</h3>
      <p>{t("first.agent.text")}</p>
      <AgentCommand />
      <p className="gap-above">{t("first.demo")}</p>
      <Command text="gpuscale up" />
    </div>
  );
}
