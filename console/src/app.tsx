// SPDX-License-Identifier: Apache-2.0
/** Looks (language, theme), who is signed in, and the frame around the pages. */
import { App as AntApp, ConfigProvider, Spin, theme } from "antd";
import enUS from "antd/locale/en_US";
import { lazy, Suspense, useCallback, useEffect, useMemo, useState } from "react";
import { call, get, whenSignedOut } from "./core/api";
import { live } from "./core/live";
import { segments, usePath, useSearch } from "./core/router";
import type { Session } from "./core/types";
import { useWide } from "./core/wide";
import { firstDark, firstLanguage, LooksContext, textIn, type Key, type Language } from "./i18n";
import { Frame } from "./frame";
import { Overview } from "./pages/overview";
import { SessionContext } from "./core/session";
import { SignIn } from "./pages/sign_in";
import { Boundary } from "./parts/boundary";

const pages = {
  nodes: lazy(() => import("./pages/nodes")),
  node: lazy(() => import("./pages/node")),
  activity: lazy(() => import("./pages/activity")),
  explore: lazy(() => import("./pages/explore")),
  dashboards: lazy(() => import("./pages/dashboards")),
  rules: lazy(() => import("./pages/rules")),
  rule: lazy(() => import("./pages/rule")),
  channels: lazy(() => import("./pages/channels")),
  triggers: lazy(() => import("./pages/triggers")),
  schedules: lazy(() => import("./pages/schedules")),
  pools: lazy(() => import("./pages/pools")),
  policies: lazy(() => import("./pages/policies")),
  tokens: lazy(() => import("./pages/tokens")),
};
const locales = { en: async () => enUS, zh: async () => (await import("antd/locale/zh_CN")).default };

function Page() {
  const [first, second] = segments(usePath());
  if (!first) return <Overview />;
  if (first === "nodes" && second) return <pages.node key={second} id={second} />;
  if (first === "rules" && second) return <pages.rule key={second} name={second} />;
  if (second === undefined && first in pages) {
    const Found = pages[first as "nodes"];
    return <Found />;
  }
  return <NotFound />;
}

function NotFound() {
  return <LooksContext.Consumer>{({ t }) => <h1>{t("notfound.title")}</h1>}</LooksContext.Consumer>;
}

/** By the size of the screen. */
const kLetters = [{}, { fontSize: 16, controlHeight: 38 }, { fontSize: 20, controlHeight: 46 }];

export function App() {
  const [language, setLanguage] = useState<Language>(firstLanguage);
  const [dark, setDark] = useState(firstDark);
  const [session, setSession] = useState<Session>();
  const [away, setAway] = useState(false);
  const [ended, setEnded] = useState(false);
  const [locale, setLocale] = useState(enUS);
  const wide = useWide();
  const path = usePath();
  const search = useSearch();

  const look = useCallback(async () => {
    try {
      setSession(await get<Session>("/api/v1/session"));
      setAway(false);
    } catch {
      setAway(true);
    }
  }, []);
  useEffect(() => void look(), [look]);
  useEffect(() => {
    if (!away) return;
    const timer = setTimeout(look, 3000);
    return () => clearTimeout(timer);
  }, [away, look]);
  useEffect(() => whenSignedOut(() => {
    setEnded(true);
    setSession((before) => before && { ...before, signed_in: false });
  }), []);
  useEffect(() => {
    if (!session?.signed_in) return;
    live.start();
    return () => live.stop();
  }, [session?.signed_in]);
  useEffect(() => {
    localStorage.setItem("gpuscale.language", language);
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
    void locales[language]().then(setLocale);
  }, [language]);
  useEffect(() => {
    localStorage.setItem("gpuscale.theme", dark ? "dark" : "light");
    document.documentElement.dataset.theme = dark ? "dark" : "light";
  }, [dark]);

  const looks = useMemo(() => ({ language, dark, t: textIn(language) }), [language, dark]);
  useEffect(() => {
    const [first = "overview", second] = segments(path);
    const key = `nav.${first}` as Key;
    const parameters = new URLSearchParams(search);
    // What of the page is open, and the page; tabs beside each other are told apart by that.
    const thing = second ?? (parameters.get("edit")?.replace(/^1$/, "") || parameters.get("d"));
    const page = session?.signed_in === false ? looks.t("signin.submit") : first in pages || first === "overview" ? looks.t(key) : looks.t("notfound.title");
    document.title = `${thing ? `${thing} · ` : ""}${page} · gpuscale`;
  }, [path, search, looks, session?.signed_in]);

  const colours = dark ? { colorPrimary: "#3fbf93", colorBgBase: "#121716", colorBgContainer: "#1a2120", colorBgElevated: "#1b2221", colorBorder: "#3a4643", colorBorderSecondary: "#2a3331", colorLink: "#6fdcb5", colorError: "#ff7875" } : { colorPrimary: "#0b6e4f", colorLink: "#0b6e4f", colorError: "#b81d2d", colorTextDescription: "#57645f" };
  const shown = () => {
    if (!session) return <Spin fullscreen tip={away ? looks.t("signin.away") : undefined} />;
    if (!session.signed_in) {
      return <SignIn ended={ended} onLanguage={() => setLanguage(language === "en" ? "zh" : "en")} onDone={(next) => { setEnded(false); setSession(next); }} />;
    }
    const signOut = async () => {
      await call("DELETE", "/api/v1/session").catch(() => undefined);
      setEnded(false);
      await look();
    };
    return (
      <SessionContext.Provider value={session}>
        <Frame onLanguage={() => setLanguage(language === "en" ? "zh" : "en")} onTheme={() => setDark(!dark)} onSignOut={signOut}>
          <Boundary key={path} t={looks.t}>
            <Suspense fallback={<Spin className="page-spin" />}><Page /></Suspense>
          </Boundary>
        </Frame>
      </SessionContext.Provider>
    );
  };
  return (
    <ConfigProvider locale={locale} theme={{ algorithm: dark ? theme.darkAlgorithm : theme.defaultAlgorithm, token: { ...colours, ...kLetters[wide], borderRadius: 6, motionDurationMid: "0.1s" }, cssVar: true, hashed: false, components: dark ? { Button: { primaryColor: "#08110e" } } : undefined }}
                    button={{ autoInsertSpace: false }}>
      <LooksContext.Provider value={looks}>
        <AntApp className="app">{shown()}</AntApp>
      </LooksContext.Provider>
    </ConfigProvider>
  );
}
