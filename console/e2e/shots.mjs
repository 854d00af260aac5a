// SPDX-License-Identifier: Apache-2.0
// Pictures of every page of a running server, to be looked at:
//   node e2e/shots.mjs URL FOLDER [--widths 390,1280] [--languages en,zh] [--themes light,dark] [--pages overview,nodes]
import { mkdirSync } from "node:fs";
import { openBrowser, openPage } from "./browser.mjs";

const [url, folder, ...rest] = process.argv.slice(2);
const list = (name, otherwise) => (rest.includes(name) ? rest[rest.indexOf(name) + 1] : otherwise).split(",");
const first = async (path, key) => {
  const body = await (await fetch(url + path)).json();
  return Object.values(body)[0]?.[0]?.[key];
};
const node = await first("/api/v1/nodes", "id").catch(() => undefined);
const rule = await first("/api/v1/rules", "name").catch(() => undefined);
const query = encodeURIComponent('SELECT mean("utilization_gpu") FROM "gpu" WHERE $timeFilter GROUP BY time($__interval), "node"');
const pages = {
  overview: "/", nodes: "/nodes", node: `/nodes/${encodeURIComponent(node)}`, explore: `/explore?q=${query}`, dashboards: "/dashboards", rules: "/rules",
  rule: `/rules/${encodeURIComponent(rule)}`, activity: "/activity", pools: "/pools", triggers: "/triggers", channels: "/channels", schedules: "/schedules", tokens: "/tokens",
};

mkdirSync(folder, { recursive: true });
const browser = await openBrowser();
for (const width of list("--widths", "390,1280,2560").map(Number)) {
  for (const language of list("--languages", "en,zh")) {
    for (const theme of list("--themes", "light,dark")) {
      const { page, context } = await openPage(browser, { width, height: width > 2000 ? 1440 : width < 600 ? 844 : 900, language, theme });
      for (const name of list("--pages", Object.keys(pages).join(","))) {
        await page.goto(url + pages[name], { waitUntil: "load" });
        await page.waitForTimeout(Number(process.env.SETTLE ?? 1500));
        await page.screenshot({ path: `${folder}/${name}-${width}-${language}-${theme}.png`, fullPage: !process.env.FOLD });
      }
      await context.close();
    }
  }
}
await browser.close();
