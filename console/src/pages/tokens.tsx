// SPDX-License-Identifier: Apache-2.0
import { App, Button, Modal, Popconfirm, Spin, Tag } from "antd";
import { useState } from "react";
import { ApiError, call, get } from "../core/api";
import { useFollowed } from "../core/data";
import { find, usePaths } from "../core/openapi";
import type { Token } from "../core/types";
import { useLooks } from "../i18n";
import { CardTable } from "../parts/cards";
import { FormDialog } from "../parts/schema_form";
import { Command, Failed, Hint, Link, PageHead, Panel, SecretOnce, Time } from "../parts/pieces";
import { SessionList } from "../parts/session_list";

const kExample = `curl -u admin:$GPUSCALE_ADMIN_PASSWORD -X POST ${window.location.origin}/api/v1/tokens -H 'Content-Type: application/json' -d '{"name": "agents", "scopes": ["write"]}'`;

export default function Tokens() {
  const { t } = useLooks();
  const { message } = App.useApp();
  const paths = usePaths();
  const tokens = useFollowed((signal) => get<{ tokens: Token[] }>("/api/v1/tokens", signal), []);
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<Token & { token: string }>();
  const create = find(paths, "POST /api/v1/tokens");
  const revoke = async (token: Token) => {
    try {
      await call("DELETE", `/api/v1/tokens/${token.id}`);
      tokens.again();
    } catch (cause) {
      message.error((cause as ApiError).message);
    }
  };
  const list = tokens.value?.tokens ?? [];
  return (
    <>
      <PageHead title={t("tokens.title")}><Link to="/activity?kind=people">{t("tokens.changes")}</Link>{create && <Button type="primary" onClick={() => setMaking(true)}>{t("tokens.new")}</Button>}</PageHead>
      <Failed error={tokens.error} again={tokens.again} />
      {!tokens.value && !tokens.error && <Spin />}
      {tokens.value && !list.length && <Hint title={t("tokens.empty.title")} text={t("tokens.empty")} command={kExample} />}
      {list.length > 0 && (
        <Panel>
          <div className="table-wrap">
            <CardTable>
              <thead><tr><th>{t("common.name")}</th><th>{t("tokens.scopes")}</th><th>{t("common.created")}</th><th>{t("common.actions")}</th></tr></thead>
              <tbody>
                {list.map((token) => (
                  <tr key={token.id}>
                    <td className="name">{token.name}</td>
                    <td>{token.scopes.map((scope) => <Tag key={scope} bordered={false}>{scope}</Tag>)}</td>
                    <td><Time at={token.created} /></td>
                    <td>
                      <Popconfirm title={t("tokens.revoke.ask", { name: token.name })} okText={t("tokens.revoke")} cancelText={t("common.cancel")} onConfirm={() => revoke(token)}>
                        <Button size="small" danger aria-label={`${t("tokens.revoke")} ${token.name}`}>{t("tokens.revoke")}</Button>
                      </Popconfirm>
                    </td>
                  </tr>
                ))}
              </tbody>
            </CardTable>
          </div>
          <p className="quiet">{t("tokens.roles")}</p>
        </Panel>
      )}
      <SessionList />
      {making && paths && create && (
        <FormDialog title={t("tokens.new")} paths={paths} to={create} choices={{ scopes: ["write", "read", "trigger", "admin"] }} onClose={() => setMaking(false)}
                    onDone={(answer) => { setMaking(false); setMade(answer as Token & { token: string }); tokens.again(); }}>
          <p className="quiet">{t("tokens.roles")}</p>
        </FormDialog>
      )}
      {made && (
        <Modal open title={t("tokens.new")} footer={<Button type="primary" onClick={() => setMade(undefined)}>{t("common.close")}</Button>} closable={false} maskClosable={false}>
          <SecretOnce title={t("tokens.token", { name: made.name })} secret={made.token}>
            {made.scopes.includes("write") && <><p>{t("tokens.command")}</p><Command text={`gpuscale agent --server ${window.location.origin} --token ${made.token}`} /></>}
          </SecretOnce>
        </Modal>
      )}
    </>
  );
}
