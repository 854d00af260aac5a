// SPDX-License-Identifier: Apache-2.0
// Pictures of every page in both languages and themes at three widths, to be looked at:
//   node e2e/shots.mjs FOLDER [--url URL] [--widths 390,1280] [--languages en,zh] [--themes light,dark] [--pages overview,nodes]
// Without --url a server with real nodes of its own is started; one that is given must need no sign-in.
import { mkdirSync } from "node:fs";
import { openBrowser, openPage } from "./browser.mjs";
import { password, secretOut, Server, sleep } from "./server.mjs";

const [folder, ...rest] = process.argv.slice(2);
if (!folder || folder.startsWith("--")) throw new Error("usage: node e2e/shots.mjs FOLDER [--url URL] [--widths ..] [--languages ..] [--themes ..] [--pages ..]");
const option = (name) => (rest.includes(name) ? rest[rest.indexOf(name) + 1] : undefined);
const list = (name, otherwise) => (option(name) ?? otherwise).split(",");
const query = encodeURIComponent('SELECT mean("utilization_gpu") FROM "gpu" WHERE $timeFilter GROUP BY time($__interval), "node"');

const server = option("--url") ? undefined : await Server.start();
// For a server in front of the one that is started, as while developing.
const url = option("--url") ?? process.env.GPUSCALE_CONSOLE_URL ?? server.url;
const read = async (path) => (server ? server.json(path) : (await fetch(url + path)).json());
const first = async (kind, key) => (await read(`/api/v1/${kind}`))[kind]?.[0]?.[key];
try {
  if (server) {
    await server.call("POST", "/api/v1/silences", JSON.stringify({ rule: "spread of load", for: "1h", comment: "new model" }));
    await server.call("POST", "/api/v1/tokens", JSON.stringify({ name: "agents", scopes: ["write"] }));
    await server.call("PUT", "/api/v1/rules/latency", JSON.stringify({ definition: { queries: { L: 'SELECT max("latency_p99_ms") FROM "inference" WHERE $timeFilter GROUP BY time(5s)' }, condition: "max(L, 1m) > 200" } }));
    await sleep(8000);
    await fetch(`${server.url}/hook/trigger?triggerUrl=gpu-out&secret=${secretOut}`, { method: "POST" });
    await sleep(12_000);
  }
  const [node, rule, channel, pool] = [await first("nodes", "id"), await first("rules", "name"), await first("channels", "name"), await first("pools", "name")].map((each) => encodeURIComponent(each ?? ""));
  const pages = {
    overview: "/?range=5m", nodes: "/nodes", node: `/nodes/${node}?range=5m`, explore: `/explore?q=${query}`, dashboards: "/dashboards", nodedashboard: "/dashboards?d=Node&range=5m", editdashboard: "/dashboards?edit=1", newdashboard: "/dashboards?new=1", rules: "/rules", rule: `/rules/${rule}?range=5m`, newrule: "/rules?new=1", editrule: "/rules/latency?edit=1",
    activity: "/activity", people: "/activity?kind=people", pools: "/pools", pool: `/pools?edit=${pool}`, policies: "/policies", triggers: "/triggers", newtrigger: "/triggers?new=1", channels: "/channels", channel: `/channels?edit=${channel}`,
    newchannel: "/channels?new=1", schedules: "/schedules", newschedule: "/schedules?new=1", tokens: "/tokens",
  };
  mkdirSync(folder, { recursive: true });
  const browser = await openBrowser();
  for (const width of list("--widths", "390,1280,2560").map(Number)) {
    for (const language of list("--languages", "en,zh")) {
      for (const theme of list("--themes", "light,dark")) {
        const { page, context } = await openPage(browser, { width, height: width > 2000 ? 1440 : width < 600 ? 844 : 900, language, theme });
        if (server) {
          await page.goto(url);
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
  await server?.close();
}
