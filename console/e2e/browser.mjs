// SPDX-License-Identifier: Apache-2.0
// Debian's Chromium, driven by playwright-core; it must reach nothing but the server under test.
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

export async function openBrowser() {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  if (!existsSync(executablePath)) throw new Error(`${executablePath} is missing: scripts/install-deps test installs it`);
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"] });
}

/** A page of its own profile; `strangers` collects calls to other hosts, `faults` what the page complains about. */
export async function openPage(browser, { width = 1280, height = 900, language = "en", theme = "light" } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, locale: language === "zh" ? "zh-CN" : "en-GB", timezoneId: "Asia/Shanghai" });
  await context.addInitScript(([lang, looks]) => {
    if (!localStorage.getItem("gpuscale.language")) localStorage.setItem("gpuscale.language", lang);
    if (!localStorage.getItem("gpuscale.theme")) localStorage.setItem("gpuscale.theme", looks);
  }, [language, theme]);
  const page = await context.newPage();
  const strangers = [];
  const faults = [];
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith("http") && url.hostname !== "127.0.0.1") strangers.push(request.url());
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => message.type() === "error" && !/status of 4\d\d/.test(message.text()) && faults.push(message.text()));
  return { page, context, strangers, faults };
}
