// SPDX-License-Identifier: Apache-2.0
/** The head with the way to every page, and how fresh what is shown is. */
import { Alert, Button, Drawer, Tooltip } from "antd";
import { useState, type ReactNode } from "react";
import { span } from "./core/format";
import { useLive, useNow } from "./core/live";
import { follow, segments, usePath } from "./core/router";
import { useMay, useSession } from "./core/session";
import { useLooks, type Key } from "./i18n";

const kPages = ["overview", "nodes", "explore", "dashboards", "rules", "activity", "pools", "policies", "triggers", "channels", "schedules", "tokens"] as const;
/** Without a word from the server for longer than this, heartbeats included, what is shown is old. */
const kOld = 25_000;

function Nav({ onGo }: { onGo?: () => void }) {
  const { t } = useLooks();
  const here = segments(usePath())[0] ?? "overview";
  const admin = useMay("admin");
  return (
    <nav aria-label={t("nav.more")}>
      <ul>
        {kPages.filter((page) => page !== "tokens" || admin).map((page) => (
          <li key={page}>
            <a href={page === "overview" ? "/" : `/${page}`} aria-current={here === page ? "page" : undefined}
               onClick={(event) => { follow(event); onGo?.(); }}>{t(`nav.${page}` as Key)}</a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Freshness() {
  const { t } = useLooks();
  const live = useLive();
  useNow(1000);
  const age = live.heard ? (Date.now() - live.heard) / 1000 : 0;
  const old = !live.connected && live.heard > 0;
  return (
    <span className={`live ${live.connected ? "live-on" : "live-off"}`} role="status">
      <i aria-hidden="true" />
      <span className="live-text">{live.connected ? t("live.on") : old ? t("live.oldShort", { age: span(age) }) : t("live.off")}</span>
    </span>
  );
}

function Staleness() {
  const { t } = useLooks();
  const live = useLive();
  const now = useNow(1000);
  const age = live.heard ? now - live.heard : 0;
  if ((live.connected && age < kOld) || age < 3000) return null;
  return <Alert banner type="warning" message={t("live.old", { age: span(age / 1000) })} />;
}

export function Frame({ children, onLanguage, onTheme, onSignOut }: { children: ReactNode; onLanguage: () => void; onTheme: () => void; onSignOut: () => void }) {
  const { t, dark } = useLooks();
  const session = useSession();
  const [open, setOpen] = useState(false);
  const tools = (
    <>
      <Button type="text" size="small" onClick={onTheme} aria-label={t("top.theme")}>{dark ? t("top.theme.light") : t("top.theme.dark")}</Button>
      <Button type="text" size="small" onClick={onLanguage} aria-label={t("top.language.label")}>{t("top.language")}</Button>
      {session.auth && (
        <Tooltip title={t("top.as", { name: session.name ?? "" })}><Button type="text" size="small" onClick={onSignOut}>{t("top.signout")}</Button></Tooltip>
      )}
    </>
  );
  return (
    <>
      <a className="skip" href="#main">{t("nav.skip")}</a>
      <header className="top">
        <a className="brand" href="/" onClick={follow}><svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true"><rect width="32" height="32" rx="7" fill="#0b6e4f" /><path d="M6 23h5v-6h5v-5h5V7h5" fill="none" stroke="#fff" strokeWidth="3" strokeLinecap="round" strokeLinejoin="round" /></svg>gpuscale</a>
        <div className="wide"><Nav /></div>
        <div className="top-tools"><Freshness /><span className="wide">{tools}</span>
          <Button className="narrow" size="small" onClick={() => setOpen(true)} aria-haspopup="dialog">{t("nav.more")}</Button>
        </div>
      </header>
      <Drawer open={open} onClose={() => setOpen(false)} title="gpuscale" width={260} className="drawer">
        <Nav onGo={() => setOpen(false)} />
        <div className="drawer-tools">{tools}</div>
      </Drawer>
      <Staleness />
      <main id="main" tabIndex={-1}>{children}</main>
    </>
  );
}
