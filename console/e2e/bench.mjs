// SPDX-License-Identifier: Apache-2.0
// 10,000 GPUs over 6 hours, written to a real server and looked at in Chromium: how long until the overview can be used, and how
// long a frame takes while it is live and while the heat map is walked over.
import { openBrowser, openPage } from "./browser.mjs";
import { Server, sleep, signIn } from "./server.mjs";

const gpus = Number(process.env.GPUSCALE_BENCH_GPUS ?? 10_000);
const everyS = 600;
const hours = 6;
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

/** A node has eight GPUs; its load is a slow wave with a phase of its own. */
async function write(server, time) {
  const lines = [];
  for (let i = 0; i < gpus; i += 1) {
    const load = 50 + 40 * Math.sin(time / 3600 + i / 97);
    lines.push(`gpu,cluster=bench,pool=gpu,node=n${i >> 3},gpu=${i & 7} utilization_gpu=${load.toFixed(2)},utilization_gpu_max=${Math.min(100, load + 8).toFixed(2)} ${time}`);
    if ((i & 7) === 0) lines.push(`node,cluster=bench,pool=gpu,node=n${i >> 3} devices_ok=8i ${time}`);
  }
  const answer = await server.call("POST", "/write?db=gpuscale&precision=s", lines.join("\n"));
  if (answer.status !== 204) throw new Error(`${answer.status} ${await answer.text()}`);
}

const frames = (page, ms) => page.evaluate(async (length) => {
  const gaps = [];
  const end = performance.now() + length;
  let last = performance.now();
  while (last < end) {
    const begin = await new Promise((done) => requestAnimationFrame(done));
    // The work of a frame ends before a message sent in it is taken.
    await new Promise((done) => { const { port1, port2 } = new MessageChannel(); port1.onmessage = done; port2.postMessage(0); });
    last = performance.now();
    gaps.push(last - begin);
  }
  return gaps;
}, ms);

const server = await Server.start();
const browser = await openBrowser();
try {
  const now = Math.floor(Date.now() / 1000);
  for (let time = now - hours * 3600; time < now - 5; time += everyS) await write(server, time);
  await write(server, Math.floor(Date.now() / 1000) - 2);
  const { page } = await openPage(browser);
  await signIn(page, server.url);
  const loads = [];
  for (let round = 0; round < 3; round += 1) {
    const begin = performance.now();
    await page.goto(`${server.url}/?range=6h`, { waitUntil: "commit" });
    await page.locator(".u-over").first().waitFor();
    await page.getByRole("button", { name: "切换到简体中文" }).click({ trial: true });
    loads.push(performance.now() - begin);
  }
  await sleep(1000);
  const live = await frames(page, 6000);
  await write(server, Math.floor(Date.now() / 1000) - 2);
  await page.goto(`${server.url}/nodes`);
  const map = page.locator("canvas").first();
  await map.waitFor();
  const box = await map.boundingBox();
  const [walk] = await Promise.all([frames(page, 4000), (async () => {
    for (let step = 0; step < 60; step += 1) await page.mouse.move(box.x + (box.width * (step % 20)) / 20, box.y + (box.height * step) / 60);
  })()]);
  const figures = { gpus, hours, interactive_ms: Math.round(median(loads)), live_frame_ms: Number(median(live).toFixed(2)), heat_map_frame_ms: Number(median(walk).toFixed(2)) };
  console.log(process.argv.includes("--json") ? JSON.stringify(figures) : `${gpus} GPUs, ${hours} h: interactive after ${figures.interactive_ms} ms (median of 3); a frame takes ${figures.live_frame_ms} ms live, ${figures.heat_map_frame_ms} ms over the heat map (medians)`);
} finally {
  await browser.close();
  await server.close();
}
