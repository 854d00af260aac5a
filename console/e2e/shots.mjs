// SPDX-License-Identifier: Apache-2.0
// Pictures of every page in both languages and themes at three widths, to be looked at:
//   node e2e/shots.mjs [FOLDER] [--url URL] [--widths 390,1280] [--languages en,zh] [--themes light,dark] [--pages overview,nodes]
// FOLDER: else GPUSCALE_SHOTS, else build/pictures. Without --url a server with real nodes of its own is started, and a load that makes it
// grow and shrink; one that is given must need no sign-in. A page that cannot be shown, is blank, complains, is wider than the window
// or asks another host is named at the end, and the run fails.
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { openBrowser, openPage } from "./browser.mjs";
import { everyPage } from "./pages.mjs";
import { ailmentOf, watchRest } from "./rest.mjs";
import { binary, password, pictures, Server, sleep } from "./server.mjs";

const kGrowth = 240_000;
const kPage = 60_000;
const rest = process.argv.slice(2);
const folder = rest[0] && !rest[0].startsWith("--") ? rest.shift() : pictures;
const option = (name) => (rest.includes(name) ? rest[rest.indexOf(name) + 1] : undefined);
const list = (name, otherwise) => (option(name) ?? otherwise).split(",");

const server = option("--url") ? undefined : await Server.start();
// For a server in front of the one that is started, as while developing.
const url = option("--url") ?? process.env.GPUSCALE_CONSOLE_URL ?? server.url;
const read = async (path) => (server ? server.json(path) : (await fetch(url + path)).json());
const failed = [];
let load, browser;

/** Something to look at: a load under which a rule fires, the pool grows and a policy makes it shrink again. */
async function live() {
  await server.call("POST", "/api/v1/silences", JSON.stringify({ rule: "spread of load", for: "1h", comment: "new model" }));
  await server.call("POST", "/api/v1/tokens", JSON.stringify({ name: "agents", scopes: ["write"] }));
  await server.call("PUT", "/api/v1/rules/latency", JSON.stringify({ definition: { queries: { L: 'SELECT max("latency_p99_ms") FROM "inference" WHERE $timeFilter GROUP BY time(5s)' }, condition: "max(L, 1m) > 200" } }));
  const { token } = await (await server.call("POST", "/api/v1/tokens", JSON.stringify({ name: "load", scopes: ["read"] }))).json();
  const waves = Array.from({ length: 60 }, () => "30x10s,30..120x10s,120x15s,120..30x10s").join(",");
  load = spawn(binary(), ["load", "--server", server.url, "--pool", "gpu", "--rps", waves], { env: { ...process.env, GPUSCALE_TOKEN: token }, stdio: "ignore" });
  for (const deadline = Date.now() + kGrowth; Date.now() < deadline; await sleep(500)) {
    const { activity } = await server.json("/api/v1/activity?kind=pool.desired,node.ready,rule.ok&limit=1000");
    const sizes = activity.filter((each) => each.kind === "pool.desired").map((each) => each.details ?? {});
    if (sizes.some(({ from, to }) => from > 0 && to > from) && sizes.some(({ from, to }) => to < from) && activity.some((each) => each.kind === "rule.ok") && activity.filter((each) => each.kind === "node.ready").length > 2) return;
  }
  console.warn(`the pool has not grown and shrunk in ${kGrowth / 1000} s: some pages show less than they could`);
}

/** What a page that hangs would never give. */
async function within(milliseconds, promise) {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`hangs: nothing in ${milliseconds / 1000} s`)), milliseconds); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** All of a dialog, not what of it fits the window; else all of the page. */
async function take(page, path, height) {
  const inside = await page.evaluate(() => {
    const body = [...document.querySelectorAll(".ant-drawer-open .ant-drawer-body")].pop();
    return body && body.scrollHeight - body.clientHeight;
  });
  if (inside === null || inside === undefined) return page.screenshot({ path, fullPage: !process.env.FOLD, animations: "disabled" });
  if (inside > 0) await page.setViewportSize({ width: page.viewportSize().width, height: height + inside });
  await page.screenshot({ path, animations: "disabled" });
  if (inside > 0) await page.setViewportSize({ width: page.viewportSize().width, height });
}

async function look(width, language, theme, cookies, pages) {
  const height = width < 600 ? 844 : Math.max(900, Math.round((width * 9) / 16));
  const seat = await openPage(browser, { width, height, language, theme });
  const { page, context } = seat;
  page.setDefaultTimeout(15_000);
  const atRest = watchRest(page);
  let here = false; // signed in, in the console
  const show = async (name, path) => {
    if (name !== "signin") await context.addCookies(cookies);
    // One load a seat; then as links do it, which costs a third of a load.
    if (here) await page.evaluate((to) => { history.pushState(null, "", to); dispatchEvent(new PopStateEvent("popstate")); }, path);
    else await page.goto(url + path, { waitUntil: "load" });
    here = name !== "signin";
    await atRest();
  };
  for (const [name, path] of Object.entries(pages)) {
    const title = `${name}-${width}-${language}-${theme}`;
    try {
      await within(kPage, show(name, path)).catch(() => {
        here = false; // a crowded machine may miss the end of a fading: once more, from the start
        return within(kPage, show(name, path));
      });
      const ailment = await within(kPage, ailmentOf(page, seat));
      if (ailment) failed.push(`${title} (${path}): ${ailment}`);
      await within(kPage, take(page, `${folder}/${title}.png`, height));
    } catch (error) {
      here = false;
      failed.push(`${title} (${path}): ${String(error).split("\n")[0]}`);
    }
    seat.faults.length = seat.strangers.length = 0;
  }
  await context.close();
}

async function signedIn() {
  const { context } = await openPage(browser);
  await context.request.post(`${url}/api/v1/session`, { data: { password }, headers: { "X-Gpuscale-Console": "1" } });
  const cookies = await context.cookies();
  await context.close();
  return cookies;
}

try {
  if (server) await live();
  const all = { ...(server ? { signin: "/" } : {}), ...(await everyPage(read)) };
  const pages = Object.fromEntries(list("--pages", Object.keys(all).join(",")).map((name) => [name, all[name]]));
  for (const [name, path] of Object.entries(pages)) if (path === undefined) throw new Error(`there is no page "${name}"; there are: ${Object.keys(all).join(", ")}`);
  mkdirSync(folder, { recursive: true });
  browser = await openBrowser();
  const cookies = server ? await signedIn() : [];
  const widths = list("--widths", "390,1280,2560").map(Number);
  // Widths beside each other: most of a picture's time is spent waiting for its page to come to rest.
  for (const language of list("--languages", "en,zh"))
    for (const theme of list("--themes", "light,dark")) await Promise.all(widths.map((width) => look(width, language, theme, cookies, pages)));
} finally {
  await browser?.close();
  load?.kill("SIGKILL");
  await server?.close();
}
if (failed.length) {
  console.error(`pages that cannot be shown:\n  ${failed.join("\n  ")}`);
  process.exit(1);
}
console.log(`pictures are in ${folder}`);
