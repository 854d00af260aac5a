// SPDX-License-Identifier: Apache-2.0
import { Alert, Button, Input, Segmented } from "antd";
import { useState, type FormEvent } from "react";
import { ApiError, call } from "../core/api";
import type { Session } from "../core/types";
import { useLooks } from "../i18n";

export function SignIn({ ended, onDone, onLanguage }: { ended: boolean; onDone: (session: Session) => void; onLanguage: () => void }) {
  const { t } = useLooks();
  const [by, setBy] = useState<"password" | "token">("password");
  const [secret, setSecret] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError("");
    try {
      onDone(await call<Session>("POST", "/api/v1/session", { [by]: secret }));
    } catch (cause) {
      const fault = cause as ApiError;
      setError(fault.away ? t("signin.away") : fault.status === 401 ? t("signin.wrong") : fault.message);
      setBusy(false);
    }
  };
  return (
    <main className="sign-in">
      <form onSubmit={submit} className="panel">
        <h1>{t("signin.title")}</h1>
        {ended && <Alert type="info" showIcon message={t("signin.ended")} className="gap-below" />}
        {error && <Alert type="error" showIcon role="alert" message={error} className="gap-below" />}
        <Segmented block aria-label={t("signin.by")} value={by} onChange={(value) => setBy(value as typeof by)}
                   options={[{ value: "password", label: t("signin.password") }, { value: "token", label: t("signin.token") }]} />
        <Input.Password autoFocus className="gap-above" name="secret" autoComplete="current-password" value={secret} onChange={(event) => setSecret(event.target.value)}
                        aria-label={by === "password" ? t("signin.password") : t("signin.token")} placeholder={by === "password" ? t("signin.password") : t("signin.token")} />
        <Button type="primary" htmlType="submit" block className="gap-above" loading={busy} disabled={!secret}>{t("signin.submit")}</Button>
        <p className="quiet">{t("signin.hint")}</p>
        <div className="sign-in-tools"><Button type="text" size="small" onClick={onLanguage} aria-label={t("top.language.label")}>{t("top.language")}</Button></div>
      </form>
    </main>
  );
}
