// SPDX-License-Identifier: Apache-2.0
// Pictures of every page in both languages and themes at three widths, to be looked at:
//   node e2e/shots.mjs FOLDER [--url URL] [--widths 390,1280] [--languages en,zh] [--themes light,dark] [--pages overview,nodes]
// Without --url a server with real nodes of its own is started, and a load that makes it grow and shrink; one that is given must need no sign-in.
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { openBrowser, openPage } from "./browser.mjs";
import { everyPage } from "./pages.mjs";
import { binary, password, Server, sleep } from "./server.mjs";

const [folder, ...rest] = process.argv.slice(2);
if (!folder || folder.startsWith("--")) throw new Error("usage: node e2e/shots.mjs FOLDER [--url URL] [--widths ..] [--languages ..] [--themes ..] [--pages ..]");
const option = (name) => (rest.includes(name) ? rest[rest.indexOf(name) + 1] : undefined);
const list = (name, otherwise) => (option(name) ?? otherwise).split(",");

const server = option("--url") ? undefined : await Server.start();
// For a server in front of the one that is started, as while developing.
const url = option("--url") ?? process.env.GPUSCALE_CONSOLE_URL ?? server.url;
const read = async (path) => (server ? server.json(path) : (await fetch(url + path)).json());
let load;
try {
  if (server) {
    await server.call("POST", "/api/v1/silences", JSON.stringify({ rule: "spread of load", for: "1h", comment: "new model" }));
    await server.call("POST", "/api/v1/tokens", JSON.stringify({ name: "agents", scopes: ["write"] }));
    await server.call("PUT", "/api/v1/rules/latency", JSON.stringify({ definition: { queries: { L: 'SELECT max("latency_p99_ms") FROM "inference" WHERE $timeFilter GROUP BY time(5s)' }, condition: "max(L, 1m) > 200" } }));
    const { token } = await (await server.call("POST", "/api/v1/tokens", JSON.stringify({ name: "load", scopes: ["read"] }))).json();
    const waves = Array.from({ length: 60 }, () => "30x15s,30..120x20s,120x20s,120..30x10s").join(",");
    load = spawn(binary(), ["load", "--server", server.url, "--pool", "gpu", "--rps", waves], { env: { ...process.env, GPUSCALE_TOKEN: token }, stdio: "ignore" });
    await sleep(75_000);
  }
  const pages = await everyPage(read);
  mkdirSync(folder, { recursive: true });
  const browser = await openBrowser();
  for (const width of list("--widths", "390,1280,2560").map(Number)) {
    for (const language of list("--languages", "en,zh")) {
      for (const theme of list("--themes", "light,dark")) {
        const { page, context } = await openPage(browser, { width, height: width < 600 ? 844 : Math.max(900, Math.round(width * 9 / 16)), language, theme });
        if (server) {
          await page.goto(url);
          await page.getByRole("button", { name: language === "zh" ? "登录" : "Sign in" }).waitFor();
          await page.screenshot({ path: `${folder}/signin-${width}-${language}-${theme}.png` });
          await context.request.post(`${url}/api/v1/session`, { data: { password: password }, headers: { "X-Gpuscale-Console": "1" } });
        }
        for (const name of list("--pages", Object.keys(pages).join(","))) {
          await page.goto(url + pages[name], { waitUntil: "load" });
          await page.waitForTimeout(Number(process.env.SETTLE ?? 1500));
          await page.waitForFunction(() => !document.querySelector(".ant-spin-spinning"), undefined, { timeout: 15_000 }).catch(() => undefined);
          await page.screenshot({ path: `${folder}/${name}-${width}-${language}-${theme}.png`, fullPage: !process.env.FOLD });
        }
        await context.close();
      }
    }
  }
  await browser.close();
} finally {
  load?.kill("SIGKILL");
  await server?.close();
}
