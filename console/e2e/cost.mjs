// SPDX-License-Identifier: Apache-2.0
// What one open console costs a server that 1,000 GPUs report to each second: the server's processor time with and without it, in
// turns, so that what else the machine does falls on both.
import { readFileSync } from "node:fs";
import { openBrowser, openPage } from "./browser.mjs";
import { Server, sleep, signIn } from "./server.mjs";

const gpus = Number(process.env.GPUSCALE_BENCH_GPUS ?? 1000);
const turnMs = Number(process.env.GPUSCALE_BENCH_TURN_MS ?? 20_000);
const rounds = 3;
const kTicks = 100; // of a second, as /proc counts
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

const busy = (pid) => {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / kTicks;
};
const body = (time) => {
  const lines = [];
  for (let i = 0; i < gpus; i += 1) {
    lines.push(`gpu,cluster=bench,pool=gpu,node=n${i >> 3},gpu=${i & 7} utilization_gpu=${(50 + 40 * Math.sin(time / 60 + i / 97)).toFixed(2)},utilization_gpu_max=99,queue_depth=${i & 3} ${time}`);
    if ((i & 7) === 0) lines.push(`node,cluster=bench,pool=gpu,node=n${i >> 3} devices_ok=8i ${time}`);
  }
  return lines.join("\n");
};

const server = await Server.start();
const browser = await openBrowser();
let writing = true;
const writer = (async () => {
  while (writing) {
    const begin = Date.now();
    const answer = await server.call("POST", "/write?db=gpuscale&precision=s", body(Math.floor(begin / 1000)));
    if (answer.status !== 204) throw new Error(`${answer.status} ${await answer.text()}`);
    await sleep(Math.max(0, 1000 - (Date.now() - begin)));
  }
})();
/** Percent of a core over one turn. */
const turn = async () => {
  const [from, begin] = [busy(server.process.pid), performance.now()];
  await sleep(turnMs);
  return ((busy(server.process.pid) - from) * 100_000) / (performance.now() - begin);
};
try {
  const { page } = await openPage(browser);
  await signIn(page, server.url);
  await page.goto("about:blank");
  await sleep(20_000); // a curve of some length
  const pages = { overview: "/?range=15m", nodes: "/nodes", rule: "/rules/GPU%20usage%20high?range=15m" };
  const figures = { gpus };
  for (const [name, path] of Object.entries(pages)) {
    const costs = [];
    const alone = [];
    for (let round = 0; round < rounds; round += 1) {
      await page.goto("about:blank");
      const without = await turn();
      await page.goto(server.url + path);
      await page.locator("canvas").first().waitFor();
      await sleep(2000);
      costs.push((await turn()) - without);
      alone.push(without);
    }
    figures[`${name}_percent`] = Number(median(costs).toFixed(2));
    figures.without_percent = Number(median(alone).toFixed(2));
  }
  console.log(process.argv.includes("--json") ? JSON.stringify(figures)
    : `${gpus} GPUs report each second, which takes the server ${figures.without_percent} % of a core; one open console adds ${figures.overview_percent} % (overview), ${figures.nodes_percent} % (nodes), ${figures.rule_percent} % (a rule); medians of ${rounds} turns of ${turnMs / 1000} s`);
} finally {
  writing = false;
  await writer.catch(() => undefined);
  await browser.close();
  await server.close();
}
