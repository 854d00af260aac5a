// SPDX-License-Identifier: Apache-2.0
// The console in Debian's Chromium, against the real server with real nodes. One page lives through it all, as a person would.
// To test the sources as they are, without a build: GPUSCALE_URL=http://127.0.0.1:18600 npm run dev -- --port 18601, and
// GPUSCALE_TEST_PORT=18600 GPUSCALE_CONSOLE_URL=http://127.0.0.1:18601 npm run e2e
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { openBrowser, openPage } from "./browser.mjs";
import { password, secretOut, Server } from "./server.mjs";
import { audit as auditPage, steps } from "./steps.mjs";

const kMostBytes = 400 * 1024;
const fromSources = process.env.GPUSCALE_CONSOLE_URL;
let site, server, browser, seat, page, transferred = 0;

before(async () => {
  server = await Server.start();
  site = fromSources ?? server.url;
  browser = await openBrowser();
  seat = await openPage(browser);
  page = seat.page;
  page.setDefaultTimeout(15_000);
  page.on("response", async (response) => {
    if (response.url().includes("/assets/") || response.url() === `${server.url}/`) transferred += Number(response.headers()["content-length"] ?? 0);
  });
});
after(async () => {
  await browser?.close();
  await server?.close();
});

let signedIn = false;
const opened = steps(() => page);
const step = steps(() => page, () => (signedIn ? undefined : "nobody is signed in"));
const audit = (where) => auditPage(page, where);

opened("a wrong password is refused in words, the right one opens the overview", async () => {
  await page.goto(site);
  await page.getByLabel("Admin password").last().fill("wrong horse");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").getByText("did not fit").waitFor();
  await audit("sign-in");
  await page.getByLabel("Admin password").last().fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "e2e <b>bold</b>" }).waitFor();
  assert.equal(await page.title(), "Overview · gpuscale");
  const cookies = await seat.context.cookies();
  assert.ok(cookies.every((cookie) => cookie.httpOnly && cookie.sameSite === "Strict"));
  signedIn = true;
});

step("what the overview loads is under 400 KB", async () => {
  if (fromSources) return;
  await page.locator(".u-over").first().waitFor();
  // What a legend says without a cursor is the newest.
  await page.locator(".u-legend").first().getByText(/^[\d.]+ %$/).first().waitFor();
  assert.ok(transferred > 50_000 && transferred < kMostBytes, `${transferred} bytes`);
  console.log(`    overview: ${Math.round(transferred / 1024)} KB compressed`);
});

step("a pulled trigger shows as a third node, live, with its reason", async () => {
  await page.getByTestId("ready").getByText("2", { exact: true }).waitFor();
  const answer = await fetch(`${server.url}/hook/trigger?triggerUrl=gpu-out&secret=${secretOut}&type=scale_out&step=1`, { method: "POST" });
  assert.equal(answer.status, 200);
  await page.getByTestId("ready").getByText("3", { exact: true }).waitFor();
  const line = page.locator(".entry", { hasText: "grow pool gpu from 2 to 3" }).first();
  await line.getByRole("button").click();
  await line.getByText("step").first().waitFor();
  await line.locator(".chain-here", { hasText: "trigger gpu-out: grow pool gpu from 2 to 3" }).waitFor();
  await line.locator(".chain li", { hasText: "trigger accepted" }).waitFor();
  await line.locator(".chain li", { hasText: "node launching" }).waitFor();
  await audit("overview");
});

step("the language and the theme change and stay", async () => {
  await page.getByRole("button", { name: "切换到简体中文" }).click();
  await page.getByRole("heading", { name: "发生了什么，为什么" }).waitFor();
  await page.locator(".entry", { hasText: "期望规模" }).getByText("节点池 gpu 从 2 到 3 个节点（触发器 gpu-out").first().waitFor();
  assert.equal(await page.evaluate("document.documentElement.lang"), "zh-CN");
  await page.getByRole("button", { name: "切换浅色与深色" }).click();
  await page.reload();
  await page.getByRole("heading", { name: "发生了什么，为什么" }).waitFor();
  assert.equal(await page.evaluate("document.documentElement.dataset.theme"), "dark");
  await audit("overview, Chinese, dark");
  await page.getByRole("button", { name: "Switch to English" }).click();
  await page.getByRole("button", { name: "Switch between light and dark" }).click();
});

step("a node is protected after a question, and says so", async () => {
  await page.getByRole("navigation").getByRole("link", { name: "Nodes", exact: true }).click();
  const row = page.locator("tbody tr", { hasText: "ready" }).first();
  await row.getByRole("button", { name: /^Protect/ }).click();
  await page.getByRole("tooltip").getByRole("button", { name: "Protect" }).click();
  await page.getByText("protected", { exact: true }).waitFor();
  const { nodes } = await server.json("/api/v1/nodes");
  assert.equal(nodes.filter((node) => node.protected).length, 1);
  await audit("nodes");
  const id = nodes.find((node) => node.protected).id;
  await page.getByRole("link", { name: id }).click();
  await page.getByText("is protected from scale-in").first().waitFor();
  await page.locator(".u-over").first().waitFor();
  await page.getByText("No process holds device memory").waitFor();
  await audit("node");
});

step("a node's page shows who holds device memory, and says why where nobody can tell", async () => {
  const processes = [{ gpu: 0, uuid: "GPU-1", pid: 4711, owner: "pod:team-a/<b>llama</b>-0", memory_bytes: 3 * 2 ** 30, utilization_gpu: 61.5 }, { gpu: 0, uuid: "GPU-1", pid: 4712, owner: "", memory_bytes: null, utilization_gpu: null }];
  await page.route("**/api/v1/nodes/*/devices", (route) => route.fulfill({ json: { node: "n", processes, processes_omitted: 7 } }));
  await page.reload();
  const row = page.getByTestId("processes").getByRole("row", { name: /llama/ });
  await row.waitFor();
  assert.deepEqual(await row.getByRole("cell").allTextContents(), ["pod:team-a/<b>llama</b>-0", "4711", "0", "3 GiB", "61.5 %"]);
  await page.getByText("7 more are not shown").waitFor();
  await page.unroute("**/api/v1/nodes/*/devices");
  await page.route("**/api/v1/nodes/*/devices", (route) => route.fulfill({ status: 503, json: { error: "node n does not say who uses its devices: no answer in 3 s", code: "unavailable" } }));
  await page.reload();
  await page.getByText("no answer in 3 s").waitFor();
  await page.getByText(/^curl -s http.*\/devices$/).waitFor();
  await page.unroute("**/api/v1/nodes/*/devices");
});

step("a dragged threshold changes the condition and the preview", async () => {
  await page.goto(`${site}/rules/GPU%20usage%20high?range=5m`);
  const grip = page.getByRole("slider");
  await grip.waitFor();
  const box = await grip.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2 - 60, { steps: 4 });
  await page.mouse.up();
  const dragged = Number(/> (\d+)$/.exec(await page.getByRole("textbox", { name: "Condition" }).inputValue())?.[1]);
  assert.ok(dragged > 50 && dragged <= 100, String(dragged));
  await page.getByTestId("changed").waitFor();
  await grip.focus();
  await page.keyboard.press("PageDown");
  const pressed = Number(/> (\d+)$/.exec(await page.getByRole("textbox", { name: "Condition" }).inputValue())?.[1]);
  assert.equal(pressed, dragged - 10);
  await page.getByTestId("preview").getByText("would").waitFor();
  await audit("rule");
  await page.getByRole("button", { name: "Undo" }).click();
});

step("a query is completed, drawn, and its error shown in its place", async () => {
  await page.getByRole("navigation").getByRole("link", { name: "Explore", exact: true }).click();
  const editor = page.getByRole("combobox", { name: "Query (InfluxQL)" });
  await page.locator(".u-over").waitFor();
  await editor.fill("SELECT mean(utiliz");
  await editor.press("End");
  await page.getByRole("option").first().waitFor();
  await editor.press("Tab");
  assert.match(await editor.inputValue(), /^SELECT mean\(utilization_gpu/);
  await editor.fill("SELECT mean(utilization_gpu) FROM gpu WHERE $timeFilter GROUP BI node");
  await editor.press("Control+Enter");
  await page.getByRole("alert").getByText("BI").first().waitFor();
  assert.equal(await page.locator(".query-under mark").textContent(), "BI");
  assert.match(page.url(), /q=SELECT/);
  await audit("explore");
});

step("a token is shown once, then only its name", async () => {
  await page.getByRole("navigation").getByRole("link", { name: "Tokens", exact: true }).click();
  await page.getByRole("button", { name: "New token" }).click();
  await page.getByRole("textbox", { name: "name" }).fill("<img src=x onerror=alert(1)>");
  await page.getByRole("combobox", { name: "scopes" }).click();
  await page.keyboard.type("write");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Save" }).click();
  const shown = await page.locator(".command code").first().textContent();
  assert.match(shown, /^gs_[0-9a-f]{48}$/);
  await page.getByRole("button", { name: "Close" }).click();
  await page.getByRole("cell", { name: "<img src=x onerror=alert(1)>", exact: true }).waitFor();
  assert.equal(await page.getByText(shown).count(), 0);
  await audit("tokens");
});

step("a condition of calculations and ranges is previewed, and what cannot be read is named by its place", async () => {
  await page.goto(`${site}/rules/spread%20of%20load?range=5m`);
  await page.getByTestId("preview").getByText("would").waitFor();
  await page.getByTestId("preview").getByText("as they are now").waitFor();
  const condition = page.getByRole("textbox", { name: "Condition" });
  await condition.fill("avg(C, 10s) / ready_nodes outside (-1, 0) or last(C 10s) is absent");
  await page.getByRole("alert").getByText("Line 1, column 53").waitFor();
  await audit("rule with a fault");
  await condition.fill("not (avg(C, 10s) / ready_nodes inside (-1, 400))");
  await page.getByTestId("preview").getByText("would not have fired").waitFor();
  assert.equal(await page.getByRole("slider").count(), 2);
});

step("a rule is silenced with a reason, and the silence is lifted", async () => {
  await page.goto(`${site}/rules/GPU%20usage%20high`);
  await page.getByRole("button", { name: "Silence", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("2h", { exact: true }).click();
  await dialog.getByRole("textbox").fill("moving <b>house</b>");
  await audit("silence");
  await dialog.getByRole("button", { name: "Silence", exact: true }).click();
  await page.getByText("moving <b>house</b>").waitFor();
  assert.equal((await server.json("/api/v1/silences")).silences.length, 1);
  await page.getByRole("link", { name: "All rules" }).click();
  await page.getByRole("button", { name: "End the silence: GPU usage high" }).click();
  await page.getByText("moving <b>house</b>").waitFor({ state: "detached" });
  assert.equal((await server.json("/api/v1/silences")).silences.length, 0);
});

step("a trigger gets a new secret, shown once and valid; switched off it refuses", async () => {
  await page.goto(`${site}/triggers`);
  const row = page.getByRole("row", { name: /gpu-spare/ });
  await row.getByRole("button", { name: "New secret: gpu-spare" }).click();
  await page.getByRole("tooltip").getByRole("button", { name: "New secret" }).click();
  const shown = await page.getByRole("dialog").locator("code").first().textContent();
  const secret = /secret=([^&\s]+)/.exec(shown)?.[1] ?? shown;
  await audit("trigger's new secret");
  await page.getByRole("button", { name: "Close" }).click();
  const pull = () => fetch(`${server.url}/hook/trigger?triggerUrl=gpu-spare&type=scale_in&step=1`, { method: "POST", headers: { Authorization: `Bearer ${secret}` } }).then((answer) => answer.status);
  assert.notEqual(await pull(), 401);
  await row.getByRole("button", { name: "Disable gpu-spare" }).click();
  await row.getByRole("button", { name: "Enable gpu-spare" }).waitFor();
  assert.equal(await pull(), 409);
  await row.getByRole("button", { name: "Enable gpu-spare" }).click();
  await row.getByRole("button", { name: "Disable gpu-spare" }).waitFor();
});

step("what a receiver refused is a dead letter, and goes out again under its old key", async () => {
  await page.goto(`${site}/channels`);
  const letter = page.locator(".entry", { hasText: "HTTP 400" }).first();
  await letter.getByText("not of this <house>").waitFor();
  await audit("channels");
  server.receiver.status = 200;
  const before = server.receiver.bodies.length;
  await letter.getByRole("button", { name: "Send again" }).click();
  await page.getByText("Everything was delivered.").waitFor();
  assert.equal(server.receiver.bodies.length, before + 1);
  assert.equal(await page.getByText("hidden").count(), 0);
});

step("schedules stand in a calendar", async () => {
  await page.goto(`${site}/schedules`);
  const calendar = page.getByRole("list", { name: "Calendar" });
  await calendar.getByText("every hour").first().waitFor();
  assert.ok(await calendar.getByText("× 24").count() >= 1);
  assert.ok(await calendar.getByText("morning peak").count() >= 7);
  assert.equal(await calendar.getByRole("listitem").count(), 14);
});

step("a rule is made, previewed as it is written, and its faults stand at their fields", async () => {
  await page.goto(`${site}/rules`);
  await page.getByRole("button", { name: "New rule" }).click();
  await page.getByRole("textbox", { name: "name", exact: true }).fill("made <here>");
  await page.getByTestId("preview").getByText("would").waitFor();
  const condition = page.getByRole("textbox", { name: "Condition" });
  await condition.fill("avg(Z, 1m) > 45");
  await page.getByText(/"?Z"?/).last().waitFor();
  await page.getByTestId("check").getByText("would refuse").waitFor();
  await condition.fill("avg(C, 10s) > 45");
  await page.getByTestId("check").getByText("would take it").waitFor();
  await audit("new rule");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: /made <here>/ }).waitFor();
  assert.equal((await server.json("/api/v1/rules")).rules.find((rule) => rule.name === "made <here>").condition, "avg(C, 10s) > 45");
});

step("its threshold is dragged and saved; a second person is told at once, sees both and loses nothing", async () => {
  await page.goto(`${site}/rules/${encodeURIComponent("made <here>")}?range=5m`);
  const other = await seat.context.newPage();
  other.setDefaultTimeout(15_000);
  await other.goto(`${site}/rules/${encodeURIComponent("made <here>")}?range=5m&edit=1`);
  await other.getByRole("textbox", { name: "for", exact: true }).fill("7s");
  await other.getByTestId("check").getByText("would take it").waitFor();
  const grip = page.getByRole("slider");
  await grip.focus();
  await page.keyboard.press("PageUp");
  await page.getByTestId("changed").waitFor();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByTestId("changed").waitFor({ state: "detached" });
  await other.getByTestId("conflict").waitFor(); // before it is saved
  await other.getByRole("button", { name: "What differs" }).click();
  await other.getByRole("cell", { name: "avg(C, 10s) > 55" }).waitFor();
  assert.equal(await other.getByRole("textbox", { name: "for", exact: true }).inputValue(), "7s");
  await other.getByRole("button", { name: "Put my changes on top" }).click();
  await other.getByTestId("check").getByText("would take it").waitFor();
  await other.getByRole("button", { name: "Save" }).click();
  await other.getByText("is saved and in effect").waitFor();
  await other.close();
  const { definition } = await server.json(`/api/v1/rules/${encodeURIComponent("made <here>")}/definition`);
  assert.deepEqual([definition.condition, definition.for], ["avg(C, 10s) > 55", "7s"]);
});

step("what was typed outlives a reload", async () => {
  const field = page.getByRole("textbox", { name: "every", exact: true });
  await page.goto(`${site}/rules/${encodeURIComponent("made <here>")}?edit=1`);
  await field.fill("9s");
  await page.getByTestId("check").getByText("would take it").waitFor();
  await page.reload();
  await page.getByText("What you typed before is still here").waitFor();
  assert.equal(await field.inputValue(), "9s");
  await audit("edited rule");
  await page.getByRole("button", { name: "Discard" }).click();
  assert.equal(await field.inputValue(), "5s");
});

step("a rule pauses and goes on, and is deleted after a question", async () => {
  await page.getByRole("button", { name: "Pause", exact: true }).click();
  await page.getByRole("button", { name: "Resume", exact: true }).click();
  await page.getByRole("button", { name: "Pause", exact: true }).waitFor();
  await page.getByRole("button", { name: /^Delete made/ }).click();
  await page.getByRole("tooltip").getByRole("button", { name: "Delete" }).click();
  await page.getByRole("heading", { name: "Rules", exact: true }).waitFor();
  await page.getByRole("link", { name: "made <here>" }).waitFor({ state: "detached" });
});

step("a trigger is made, its URL shown once, and pulled by it", async () => {
  await page.goto(`${site}/triggers?new=1`);
  const drawer = page.getByRole("dialog");
  await drawer.getByRole("textbox", { name: "name", exact: true }).fill("from-console");
  await drawer.getByRole("combobox", { name: "pool" }).click();
  await page.keyboard.type("gpu");
  await page.keyboard.press("Enter");
  await page.getByTestId("check").getByText("would take it").waitFor();
  await audit("new trigger");
  await drawer.getByRole("button", { name: "Save" }).click();
  const shown = page.getByRole("dialog").locator("code").first();
  await shown.waitFor();
  const url = new URL(await shown.textContent());
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).last().click();
  const answer = await fetch(`${server.url}${url.pathname}${url.search}&type=scale_out`, { method: "POST" });
  assert.ok([200, 429].includes(answer.status), String(answer.status));
  assert.equal(await page.getByText(url.searchParams.get("secret")).count(), 0);
});

step("a channel is tested while it is written; its secret is written once and never shown", async () => {
  await page.goto(`${site}/channels?new=1`);
  const drawer = page.getByRole("dialog");
  await drawer.getByRole("textbox", { name: "name", exact: true }).fill("ops");
  await drawer.getByRole("textbox", { name: "url", exact: true }).fill(`${server.receiver.url}/ops`);
  await drawer.getByLabel("signing_secret").fill("only the receiver knows");
  await page.getByTestId("check").getByText("would take it").waitFor();
  server.receiver.status = 200;
  await drawer.getByRole("button", { name: "Test: ops" }).click();
  await page.getByText(/The receiver took it: HTTP 200 · thank you/).waitFor();
  server.receiver.status = 400;
  await drawer.getByRole("button", { name: "Test: ops" }).click();
  await page.getByText(/did not take it: HTTP 400 · not of this <house>/).waitFor();
  await audit("new channel");
  await drawer.getByRole("button", { name: "Save" }).click();
  await page.getByRole("button", { name: "Edit ops" }).click();
  await drawer.getByLabel("signing_secret").waitFor();
  assert.equal(await drawer.getByLabel("signing_secret").inputValue(), "");
  assert.match(await drawer.getByLabel("signing_secret").getAttribute("placeholder"), /Set\./);
  await drawer.getByRole("textbox", { name: "url", exact: true }).fill("ftp://nowhere");
  await drawer.getByText(/http:\/\/ or https:\/\//).first().waitFor();
  await page.getByTestId("check").getByText("would refuse").waitFor();
  await page.goto(`${site}/channels`);
});

step("a schedule and a pool are made; what the file declares can be looked at, with the reason", async () => {
  await page.goto(`${site}/schedules?new=1`);
  const drawer = page.getByRole("dialog");
  await drawer.getByRole("textbox", { name: "name", exact: true }).fill("evening");
  await drawer.getByRole("textbox", { name: "cron", exact: true }).fill("0 20 * * *");
  await drawer.getByRole("combobox", { name: "pool" }).click();
  await page.keyboard.type("gpu");
  await page.keyboard.press("Enter");
  await drawer.getByRole("textbox", { name: "set.max", exact: true }).fill("4");
  await page.getByTestId("check").getByText("would take it").waitFor();
  await drawer.getByRole("button", { name: "Save" }).click();
  await page.getByRole("button", { name: "Disable evening" }).click();
  await page.getByRole("button", { name: "Enable evening" }).waitFor();
  await page.getByRole("button", { name: "View morning peak" }).click();
  await drawer.getByText("read-only here").waitFor();
  assert.ok(await drawer.getByRole("textbox", { name: "cron", exact: true }).isDisabled());
  assert.ok(await page.getByRole("button", { name: "Delete morning peak" }).isDisabled());
  await audit("declared schedule");
  await page.goto(`${site}/pools?new=1`);
  await drawer.getByRole("textbox", { name: "name", exact: true }).fill("spare");
  await drawer.getByRole("textbox", { name: "min", exact: true }).fill("0");
  await drawer.getByRole("textbox", { name: "max", exact: true }).fill("1");
  await page.getByTestId("check").getByText("would take it").waitFor();
  await drawer.getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: /^spare/ }).waitFor();
  await page.getByRole("button", { name: "Keep the size: spare" }).click();
  await page.getByRole("button", { name: "Let it go on: spare" }).click();
  await page.getByRole("button", { name: "Keep the size: spare" }).waitFor();
  await audit("pools");
});

step("a token that may only read sees no way to change anything, and why", async () => {
  const made = await (await server.call("POST", "/api/v1/tokens", JSON.stringify({ name: "reader", scopes: ["read"] }))).json();
  const visitor = await openPage(browser);
  visitor.page.setDefaultTimeout(15_000);
  await visitor.page.goto(site);
  await visitor.page.getByText("Token", { exact: true }).click();
  await visitor.page.getByLabel("Token").last().fill(made.token);
  await visitor.page.getByRole("button", { name: "Sign in" }).click();
  await visitor.page.getByRole("navigation").first().waitFor();
  for (const [path, name] of [["/rules", "New rule"], ["/channels", "New channel"], ["/triggers", "New trigger"], ["/schedules", "New schedule"], ["/pools", "New pool"]]) {
    await visitor.page.goto(site + path);
    const button = visitor.page.getByRole("button", { name, exact: true });
    await button.waitFor();
    assert.ok(await button.isDisabled(), path);
    assert.match(await button.getAttribute("title"), /scope "admin"/);
  }
  await visitor.page.goto(`${site}/rules/GPU%20usage%20high`);
  await visitor.page.getByTestId("preview").waitFor();
  assert.ok(await visitor.page.getByRole("button", { name: "Silence", exact: true }).isDisabled());
  assert.deepEqual(visitor.faults, []);
  await visitor.context.close();
});

step("every other page opens without a fault", async () => {
  for (const name of ["Dashboards", "Rules", "Activity", "Pools", "Policies", "Triggers", "Channels", "Schedules"]) {
    await page.getByRole("link", { name, exact: true }).first().click();
    await page.getByRole("heading", { name, exact: true }).waitFor();
    await page.waitForTimeout(300);
    await audit(name);
  }
});

step("every page can be read in the dark", async () => {
  await page.goto(site);
  await page.getByRole("button", { name: "Switch between light and dark" }).click();
  for (const path of ["/nodes", "/explore", "/dashboards", "/rules", "/rules?new=1", "/rules/GPU%20usage%20high", "/activity", "/pools", "/pools?edit=gpu", "/policies", "/triggers", "/channels", "/channels?new=1", "/schedules", "/schedules?new=1", "/tokens"]) {
    await page.goto(site + path);
    await page.getByRole("heading").first().waitFor();
    await page.waitForTimeout(400);
    await audit(`${path} in the dark`);
  }
  await page.goto(site);
  await page.getByRole("button", { name: "Switch between light and dark" }).click();
});

step("a phone's width shows it all without a sideways scroll", async () => {
  await page.setViewportSize({ width: 360, height: 740 });
  for (const path of ["/", "/nodes", "/rules", "/explore", "/activity", "/rules?new=1", "/rules/GPU%20usage%20high", "/pools", "/policies", "/triggers", "/channels", "/schedules", "/tokens"]) {
    await page.goto(site + path);
    await page.getByRole("heading").first().waitFor();
    await page.waitForTimeout(300);
    const wide = await page.evaluate("document.documentElement.scrollWidth");
    assert.ok(wide <= 360, `${path} is ${wide} px wide`);
  }
  await page.getByRole("button", { name: "Menu" }).click();
  await page.getByRole("dialog").getByRole("link", { name: "Pools" }).click();
  await page.getByRole("heading", { name: "Pools", exact: true }).waitFor();
  await page.setViewportSize({ width: 1280, height: 900 });
});

step("a large screen is used, in larger letters, and nothing is cut off", async () => {
  await page.setViewportSize({ width: 2560, height: 1440 });
  for (const path of ["/", "/nodes", "/rules", "/explore", "/dashboards", "/activity", "/rules?new=1", "/rules/GPU%20usage%20high", "/pools", "/policies", "/triggers", "/channels", "/schedules", "/tokens"]) {
    await page.goto(site + path);
    await page.getByRole("heading").first().waitFor();
    await page.waitForTimeout(300);
    const seen = await page.evaluate(`(() => {
      const cut = [...document.querySelectorAll("main button, main th, main h1, main h2, header a")].filter((each) => each.offsetWidth && each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).overflow === "hidden").map((each) => each.textContent);
      return { wide: document.documentElement.scrollWidth, main: document.querySelector("main").getBoundingClientRect().width, letters: parseFloat(getComputedStyle(document.body).fontSize), cut };
    })()`);
    assert.ok(seen.wide <= 2560 && seen.main >= 2300 && seen.letters >= 16, `${path}: ${JSON.stringify(seen)}`);
    assert.deepEqual(seen.cut, [], path);
  }
  await page.setViewportSize({ width: 3840, height: 2160 });
  for (const path of ["/", "/nodes", "/explore", "/rules", "/activity"]) {
    await page.goto(site + path);
    await page.getByRole("heading").first().waitFor();
    await page.waitForTimeout(300);
    const seen = await page.evaluate(`({ wide: document.documentElement.scrollWidth, main: document.querySelector("main").getBoundingClientRect().width, letters: parseFloat(getComputedStyle(document.body).fontSize) })`);
    assert.ok(seen.wide <= 3840 && seen.main >= 3500 && seen.letters >= 20, `${path}: ${JSON.stringify(seen)}`);
  }
  await page.setViewportSize({ width: 1280, height: 900 });
});

step("the change log says who did what by hand, and not what rules did", async () => {
  await page.goto(`${site}/tokens`);
  await page.getByRole("link", { name: "Who did what" }).click();
  await page.getByText("admin made the token").first().waitFor();
  await page.getByText(/admin (makes|changes) rule made <here>/).first().waitFor();
  await page.getByText("admin signed in from 127.0.0.1").first().waitFor();
  assert.equal(await page.locator(".entry", { hasText: "rule firing" }).count(), 0);
});

step("while the server is away the page says how old it is; then it asks to sign in and goes on where it was", async () => {
  await page.goto(`${site}/activity?kind=node`);
  await page.getByText("node ready", { exact: true }).first().waitFor();
  await server.stop();
  await page.getByText(/What you see is .* old/).waitFor();
  assert.ok(await page.getByText("node ready", { exact: true }).first().isVisible());
  await server.launch();
  await page.getByText("You have been signed out").waitFor();
  await page.getByLabel("Admin password").last().fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("node ready", { exact: true }).first().waitFor();
  assert.match(page.url(), /kind=node/);
});

step("nothing asked another host and nothing complained", async () => {
  assert.deepEqual(seat.strangers, []);
  assert.deepEqual(seat.faults.filter((fault) => !/net::|status of 50[03]/.test(fault)), []);
});
