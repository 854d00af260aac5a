// SPDX-License-Identifier: Apache-2.0
// An empty install, as a newcomer meets it: each page says what to do next, and what it says works as it stands.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { dirname } from "node:path";
import { after, before } from "node:test";
import { binary } from "./server.mjs";
import { audit, openStage, steps } from "./steps.mjs";

let stage, server, site, seat, page, admin, agent;
before(async () => {
  stage = await openStage(() => "");
  ({ server, site, seat, page } = stage);
  admin = (await (await server.call("POST", "/api/v1/tokens", JSON.stringify({ name: "newcomer", scopes: ["admin"] }))).json()).token;
});
after(async () => {
  agent?.kill("SIGKILL");
  await stage?.close();
});
const step = steps(() => page);
/** With `gpuscale` on the path, as after an installation. */
const shell = () => ({ ...process.env, PATH: `${dirname(binary())}:${process.env.PATH}`, GPUSCALE_TOKEN: admin });
const shown = (of) => of.getByTestId("hint").locator("code").first().textContent();

step("every empty page says what to do next, with a command", async () => {
  for (const path of ["/", "/nodes", "/rules", "/channels", "/triggers", "/schedules", "/pools", "/policies"]) {
    await page.goto(site + path);
    await page.getByTestId("hint").first().waitFor();
    assert.match(await shown(page), /gpuscale /, path);
    await audit(page, `empty ${path}`);
  }
  await page.goto(`${site}/dashboards`);
  await page.getByRole("heading", { name: "GPU utilisation, mean" }).waitFor();
});

step("the command for an agent comes with a token of its own, and works as it stands", async () => {
  await page.goto(site);
  await page.getByRole("button", { name: "Make a token for it" }).click();
  const code = page.getByTestId("hint").first().locator("code").filter({ hasText: /gs_[0-9a-f]{48}/ });
  const command = await code.textContent();
  assert.match(command, /^gpuscale agent --server http:\/\/127\.0\.0\.1:\d+ --token gs_[0-9a-f]{48}$/);
  agent = spawn("bash", ["-c", `exec ${command} --source virtual --listen 127.0.0.1:0`], { env: shell(), stdio: "ignore" });
  await page.getByText("No GPU has reported yet").waitFor({ state: "detached", timeout: 30_000 });
});

step("the commands for pools, triggers, rules, channels and schedules make them as they stand", async () => {
  for (const [path, kind] of [["/pools", "pools"], ["/triggers", "triggers"], ["/channels", "channels"], ["/schedules", "schedules"], ["/rules", "rules"]]) {
    await page.goto(site + path);
    await page.getByTestId("hint").waitFor();
    const ran = spawnSync("bash", ["-c", await shown(page)], { env: shell(), encoding: "utf8" });
    assert.equal(ran.status, 0, `${kind}: ${ran.stdout}${ran.stderr}`);
    await page.getByTestId("hint").waitFor({ state: "detached" });
    assert.ok((await server.json(`/api/v1/${kind}`))[kind].length >= 1, kind);
  }
});

step("a pool that keeps nodes warm shows the parked ones", async () => {
  // It raises the pool's minimum.
  const [schedule] = (await server.json("/api/v1/schedules")).schedules;
  await server.call("POST", `/api/v1/schedules/${encodeURIComponent(schedule.name)}/enabled`, JSON.stringify({ enabled: false }));
  const { version } = await server.json("/api/v1/pools/gpu/definition");
  const definition = { provider: { type: "local", service_time: "20ms", interval: "500ms" }, min: 1, max: 6, cooldown: { scale_out: "1s", scale_in: "1s" }, warm: { nodes: 1, keep: "30m" } };
  const answer = await server.call("PUT", "/api/v1/pools/gpu", JSON.stringify({ definition, version }));
  assert.equal(answer.status, 200, await answer.text());
  await page.goto(site);
  assert.equal((await server.call("PUT", "/api/v1/pools/gpu/desired", JSON.stringify({ desired: 2 }))).status, 200);
  await page.getByTestId("ready").getByText("2", { exact: true }).waitFor({ timeout: 30_000 });
  assert.equal((await server.call("PUT", "/api/v1/pools/gpu/desired", JSON.stringify({ desired: 1 }))).status, 200);
  await page.getByText("1 parked (warm)").waitFor({ timeout: 30_000 });
  await page.goto(`${site}/nodes`);
  await page.getByRole("cell", { name: "parked", exact: true }).waitFor();
  await page.goto(`${site}/pools`);
  await page.getByText("1 parked (warm)").waitFor();
  await audit(page, "a parked node");
});

step("the command for policies makes them for the pool that is there, as it stands", async () => {
  await page.goto(`${site}/policies`);
  await page.getByTestId("hint").waitFor();
  const ran = spawnSync("bash", ["-c", await shown(page)], { env: shell(), encoding: "utf8" });
  assert.equal(ran.status, 0, ran.stdout + ran.stderr);
  await page.getByRole("row", { name: /idea/ }).getByText("shadow", { exact: true }).waitFor();
});

step("nothing asked another host and nothing complained", async () => {
  assert.deepEqual(seat.strangers, []);
  assert.deepEqual(seat.faults, []);
});
