// SPDX-License-Identifier: Apache-2.0
// Dashboards that the server keeps: made, shared, zoomed, taken along, edited by two people at once.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before } from "node:test";
import { openPage } from "./browser.mjs";
import { signIn } from "./server.mjs";
import { audit, openStage, placeOf, steps } from "./steps.mjs";

let stage, server, site, browser, seat, page;
before(async () => {
  stage = await openStage();
  ({ server, site, browser, seat, page } = stage);
});
after(async () => {
  await stage?.close();
});
const step = steps(() => page);
const stored = async (name) => server.json(`/api/v1/dashboards/${encodeURIComponent(name)}/definition`);

step("a dashboard is made panel by panel, checked as it is written, and shown", async () => {
  await page.goto(`${site}/dashboards?range=5m`);
  await page.locator(".u-over").first().waitFor();
  await audit(page, "prepared dashboard");
  await page.getByRole("button", { name: "New dashboard" }).click();
  const drawer = page.getByRole("dialog");
  await drawer.getByRole("textbox", { name: "name", exact: true }).fill("night <b>shift</b>");
  await drawer.getByRole("button", { name: "Add a panel" }).click();
  await drawer.getByRole("textbox", { name: "Title 1", exact: true }).fill("GPUs & <i>more</i>");
  const queries = drawer.getByRole("combobox", { name: "Query (InfluxQL)" });
  await queries.first().fill('SELECT mean("utilization_gpu") FROM "gpu"');
  await drawer.getByText("write WHERE $timeFilter").waitFor();
  await drawer.getByText("The server would refuse this", { exact: true }).waitFor();
  await queries.first().fill('SELECT mean("utilization_gpu") FROM "gpu" WHERE $timeFilter AND "node" =~ /^$node$/ GROUP BY time($__interval) fill(null)');
  await drawer.getByRole("textbox", { name: "Title 1", exact: true }).click();
  await drawer.getByRole("button", { name: "Add a panel" }).click();
  await drawer.getByRole("combobox", { name: "Variables" }).click();
  await page.keyboard.type("node");
  await page.keyboard.press("Enter");
  await drawer.getByRole("textbox", { name: "Title 2" }).click();
  await page.getByTestId("check").getByText("would take it").waitFor();
  await audit(page, "dashboard's editor");
  await drawer.getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: "GPUs & <i>more</i>" }).waitFor();
  assert.match(page.url(), /d=night/);
  const { definition, changed_by } = await stored("night <b>shift</b>");
  assert.deepEqual([definition.variables, definition.panels.length, changed_by], [["node"], 2, "admin"]);
});

step("who may only look sees it, and no way to change it", async () => {
  const { token } = await (await server.call("POST", "/api/v1/tokens", JSON.stringify({ name: "viewer", scopes: ["read"] }))).json();
  const visitor = await openPage(browser);
  visitor.page.setDefaultTimeout(15_000);
  await visitor.context.request.post(`${site}/api/v1/session`, { data: { token }, headers: { "X-Gpuscale-Console": "1" } });
  await visitor.page.goto(`${site}/dashboards?d=${encodeURIComponent("night <b>shift</b>")}`);
  await visitor.page.getByRole("heading", { name: "GPUs & <i>more</i>" }).waitFor();
  for (const name of ["New dashboard", "Delete"]) assert.ok(await visitor.page.getByRole("button", { name, exact: true }).isDisabled(), name);
  await visitor.page.goto(`${site}/explore`);
  assert.ok(await visitor.page.getByRole("button", { name: "Add to a dashboard" }).isDisabled());
  assert.deepEqual(visitor.faults, []);
  await visitor.context.close();
});

step("a stretch that is dragged over zooms every chart, by its address too, and goes back", async () => {
  const asked = [];
  page.on("request", (request) => request.url().includes("/query") && asked.push(new URL(request.url()).searchParams.get("q")));
  const over = page.locator(".u-over").first();
  await over.waitFor();
  const box = await placeOf(over);
  await page.mouse.move(box.x + box.width * 0.5, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.75, box.y + 40, { steps: 5 });
  await page.mouse.up();
  await page.waitForURL(/zoom=\d+-\d+/);
  const [, from] = /zoom=(\d+)-/.exec(page.url());
  await page.waitForTimeout(500);
  const zoomed = asked.filter((text) => new RegExp(`time >= ${from.slice(0, 8)}\\d\\ds`).test(text));
  assert.ok(zoomed.length >= 2, `both charts ask for the stretch: ${zoomed.length}`);
  await page.reload();
  await page.getByRole("button", { name: "Zoom out" }).click();
  await page.waitForURL((url) => !url.search.includes("zoom"));
});

step("its cursors are linked", async () => {
  const [one, other] = [page.locator(".u-over").nth(0), page.locator(".u-over").nth(1)];
  await placeOf(other);
  const box = await placeOf(one);
  await page.mouse.move(box.x + box.width * 0.6, box.y + 50);
  const place = () => other.locator(".u-cursor-x").evaluate((line) => new DOMMatrix(getComputedStyle(line).transform).m41);
  const first = await place();
  await page.mouse.move(box.x + box.width * 0.3, box.y + 50);
  await page.waitForTimeout(100);
  assert.ok((await place()) < first);
});

step("its numbers and its picture can be taken along", async () => {
  const taken = async (name) => {
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name, exact: true }).click();
    const file = await download;
    return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) };
  };
  const csv = await taken("CSV: GPUs & <i>more</i>");
  assert.equal(csv.name, "GPUs-i-more-i.csv");
  assert.match(csv.bytes.toString(), /^time,.*\r\n20\d\d-\d\d-\d\dT/);
  const png = await taken("PNG: GPUs & <i>more</i>");
  assert.deepEqual([...png.bytes.subarray(1, 4)], [..."PNG"].map((letter) => letter.charCodeAt(0)));
  assert.ok(png.bytes.length > 5000, String(png.bytes.length));
});

step("of two people at it the second is told at once, before saving, and loses nothing", async () => {
  const other = await seat.context.newPage();
  other.setDefaultTimeout(15_000);
  const address = `${site}/dashboards?d=${encodeURIComponent("night <b>shift</b>")}&edit=1`;
  await other.goto(address);
  await other.getByRole("textbox", { name: "Title 2" }).fill("mine");
  await other.getByTestId("check").getByText("would take it").waitFor();
  await page.goto(address);
  await page.getByRole("textbox", { name: "Title 1", exact: true }).fill("theirs");
  await page.getByTestId("check").getByText("would take it").waitFor();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("is saved and in effect").waitFor();
  await other.getByTestId("conflict").getByText("Nothing you typed is lost").waitFor();
  assert.equal(await other.getByRole("textbox", { name: "Title 2" }).inputValue(), "mine");
  await audit(other, "told of a second editor");
  await other.getByRole("button", { name: "What differs" }).click();
  await other.getByRole("cell", { name: "panels" }).waitFor();
  await other.getByRole("button", { name: "Take theirs" }).click();
  assert.equal(await other.getByRole("textbox", { name: "Title 1", exact: true }).inputValue(), "theirs");
  // Without changes of one's own what the other saves is simply there.
  await page.goto(address);
  await page.getByRole("textbox", { name: "Title 1", exact: true }).fill("theirs again");
  await page.getByTestId("check").getByText("would take it").waitFor();
  await page.getByRole("button", { name: "Save" }).click();
  await other.waitForFunction(() => document.querySelector('[aria-label="Title 1"]')?.value === "theirs again");
  assert.equal(await other.getByTestId("conflict").count(), 0);
  await other.close();
});

step("it is edited as JSON too, and what is no JSON cannot be saved", async () => {
  await page.goto(`${site}/dashboards?d=${encodeURIComponent("night <b>shift</b>")}&edit=1`);
  const drawer = page.getByRole("dialog");
  await drawer.getByText("JSON", { exact: true }).click();
  const text = drawer.getByRole("textbox", { name: "JSON" });
  const whole = await text.inputValue();
  await text.fill(`${whole}}`);
  await drawer.getByRole("alert").getByText("no JSON yet").waitFor();
  assert.equal(await drawer.getByRole("button", { name: "Save" }).count(), 0);
  await text.fill(JSON.stringify({ ...JSON.parse(whole), refresh: "5s" }));
  await page.getByTestId("check").getByText("would take it").waitFor();
  await drawer.getByRole("button", { name: "Save" }).click();
  await page.getByText("is saved and in effect").waitFor();
  await page.getByText("Refresh: 5s").waitFor();
});

step("a panel whose query errs says so in its place, and the others go on", async () => {
  const { definition, version } = await stored("night <b>shift</b>");
  definition.panels[0].query = "SELECT nonsense( FROM gpu WHERE $timeFilter";
  assert.equal((await server.call("PUT", `/api/v1/dashboards/${encodeURIComponent("night <b>shift</b>")}`, JSON.stringify({ definition, version }))).status, 200);
  await page.locator("section", { hasText: "theirs again" }).getByRole("alert").getByText("error parsing query").waitFor();
  await page.locator("section", { hasText: "Panel 2" }).locator(".u-over").waitFor();
});

step("a query under Explore goes onto a dashboard", async () => {
  await page.goto(`${site}/explore`);
  await page.locator(".u-over").waitFor();
  await page.getByRole("button", { name: "Add to a dashboard" }).click();
  await page.getByRole("menuitem", { name: "night <b>shift</b>" }).click();
  await page.getByText("Added to night <b>shift</b>").waitFor();
  assert.equal((await stored("night <b>shift</b>")).definition.panels.length, 3);
});

step("a prepared one is adapted, and deleting that brings the prepared one back", async () => {
  await page.goto(`${site}/dashboards`);
  await page.getByRole("button", { name: "Adapt" }).click();
  await page.getByRole("dialog").getByRole("textbox", { name: "Title 1", exact: true }).fill("my own");
  await page.getByTestId("check").getByText("would take it").waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: "my own" }).waitFor();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByRole("tooltip").getByRole("button", { name: "Delete" }).click();
  await page.getByRole("heading", { name: "GPU utilisation, mean" }).waitFor();
});

step("nothing asked another host and nothing complained", async () => {
  assert.deepEqual(seat.strangers, []);
  assert.deepEqual(seat.faults, []);
});
