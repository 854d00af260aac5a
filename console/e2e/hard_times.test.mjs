// SPDX-License-Identifier: Apache-2.0
// What goes wrong around a console: ended sessions, queries that err or find too much, names that are meant to harm.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { openPage } from "./browser.mjs";
import { signIn } from "./server.mjs";
import { audit, openStage, steps } from "./steps.mjs";

const harm = '<img src=x onerror=alert(1)>/"&';
const long = `${harm} ${"very long name ".repeat(20)}`.slice(0, 200).trim();
const endless = "x".repeat(190);
let stage, server, site, browser, seat, page;
before(async () => {
  stage = await openStage();
  ({ server, site, browser, seat, page } = stage);
  page.on("dialog", (dialog) => seat.faults.push(`a dialog: ${dialog.message()}`));
});
after(async () => {
  await stage?.close();
});
const step = steps(() => page);
const visitor = async (token) => {
  const { page: own, context, faults } = await openPage(browser);
  own.setDefaultTimeout(15_000);
  await context.request.post(`${site}/api/v1/session`, { data: { token }, headers: { "X-Gpuscale-Console": "1" } });
  return { page: own, context, faults };
};
const token = async (name, scopes) => (await server.call("POST", "/api/v1/tokens", JSON.stringify({ name, scopes }))).json();

step("ten thousand series in one chart are drawn bounded, and it says so", async () => {
  const now = Date.now() * 1_000_000;
  const lines = Array.from({ length: 10_000 }, (_, i) => [0, 1, 2].map((at) => `crowd,id=s${i} value=${(i % 100) + at} ${now - at * 2_000_000_000}`)).flat();
  for (let i = 0; i < lines.length; i += 10_000) {
    const answer = await server.call("POST", "/write?db=gpuscale", lines.slice(i, i + 10_000).join("\n"));
    assert.equal(answer.status, 204);
  }
  const begin = Date.now();
  await page.goto(`${site}/explore?range=5m&q=${encodeURIComponent('SELECT mean("value") FROM "crowd" WHERE $timeFilter GROUP BY time(1s), "id" fill(none)')}`);
  await page.getByText("9,800 more series are not drawn").or(page.getByText("9800 more series are not drawn")).waitFor({ timeout: 60_000 });
  await page.locator(".u-over").waitFor();
  console.log(`    10,000 series: shown after ${Date.now() - begin} ms`);
  await page.getByText("Table", { exact: true }).click();
  await page.getByText(/the first 500 of/).waitFor();
  await audit(page, "ten thousand series");
});

step("a query that errs is told where it errs, and the page goes on", async () => {
  await page.goto(`${site}/explore?q=${encodeURIComponent("SELECT mean(utilization_gpu) FROM gpu WHERE $timeFilter GROUP BI node")}`);
  await page.getByRole("alert").first().waitFor();
  await page.getByRole("combobox", { name: "Query (InfluxQL)" }).fill("SHOW MEASUREMENTS");
  await page.getByRole("button", { name: "Run" }).click();
  await page.getByRole("cell", { name: "crowd" }).waitFor();
});

step("names with markup, slashes and two hundred characters are shown as what they are, and do nothing", async () => {
  const rule = { queries: { C: 'SELECT mean("utilization_gpu") FROM "gpu" WHERE $timeFilter GROUP BY time(1s) fill(none)' }, condition: "avg(C, 10s) > 99" };
  const made = {};
  for (const name of [harm, long, endless]) {
    const part = encodeURIComponent(name);
    made[name] = [
      (await server.call("PUT", `/api/v1/rules/${part}`, JSON.stringify({ definition: rule }))).status,
      (await server.call("PUT", `/api/v1/channels/${part}`, JSON.stringify({ definition: { type: "webhook", url: "http://127.0.0.1:9/" } }))).status,
      (await server.call("PUT", `/api/v1/schedules/${part}`, JSON.stringify({ definition: { cron: "0 9 * * *", pool: "gpu", set: { floor: 2 } } }))).status,
      (await server.call("PUT", `/api/v1/dashboards/${part}`, JSON.stringify({ definition: { panels: [{ title: name, query: 'SELECT mean("utilization_gpu") FROM "gpu" WHERE $timeFilter GROUP BY time($__interval)' }] } }))).status,
    ];
  }
  assert.ok(Object.values(made).flat().every((status) => status === 201), JSON.stringify(made));
  for (const width of [390, 1280]) {
    await page.setViewportSize({ width, height: 900 });
    for (const path of ["/rules", "/channels", "/schedules", "/activity", "/", "/dashboards", `/rules/${encodeURIComponent(endless)}`, `/rules/${encodeURIComponent(long)}?edit=1`, `/channels?edit=${encodeURIComponent(harm)}`, `/dashboards?d=${encodeURIComponent(long)}`]) {
      await page.goto(site + path);
      await page.getByRole("heading").first().waitFor();
      await page.waitForTimeout(300);
      const over = await page.evaluate(`document.documentElement.scrollWidth <= ${width} ? "" : [...document.querySelectorAll("main *")].filter((each) => each.getBoundingClientRect().right > ${width} + 1).slice(0, 4).map((each) => each.outerHTML.slice(0, 120)).join(" | ")`);
      assert.equal(over, "", `${path.slice(0, 40)} at ${width} px`);
    }
  }
  await page.goto(`${site}/rules/${encodeURIComponent(harm)}`);
  await page.getByRole("heading", { name: harm }).first().waitFor();
  await page.getByTestId("preview").getByText("would not have fired").waitFor();
  await page.getByRole("button", { name: `Edit ${harm}` }).click();
  await page.getByRole("textbox", { name: "for", exact: true }).fill("3s");
  await page.getByTestId("check").getByText("would take it").waitFor();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("is saved and in effect").waitFor();
  assert.equal(await page.locator("img[src=x]").count(), 0);
  assert.deepEqual(seat.faults, []);
});

step("series of such names are drawn and listed as what they are", async () => {
  const escaped = (name) => name.replace(/[\\, =]/g, (each) => `\\${each}`);
  const now = Date.now() * 1_000_000;
  const body = [harm, long, endless].flatMap((name) => [0, 9].map((ago) => `strangers,who=${escaped(name)} value=3 ${now - ago * 1_000_000_000}`)).join("\n");
  assert.equal((await server.call("POST", "/write?db=gpuscale", body)).status, 204);
  for (const width of [390, 1280]) {
    await page.setViewportSize({ width, height: 900 });
    await page.goto(`${site}/explore?range=5m&q=${encodeURIComponent('SELECT max("value") FROM "strangers" WHERE $timeFilter GROUP BY time(1s), "who" fill(none)')}`);
    await page.locator(".u-legend").getByText(harm, { exact: false }).first().waitFor();
    assert.ok((await page.evaluate("document.documentElement.scrollWidth")) <= width, `the chart at ${width} px`);
    await page.getByText("Table", { exact: true }).click();
    await page.getByRole("cell", { name: harm, exact: false }).first().waitFor();
    assert.ok((await page.evaluate("document.documentElement.scrollWidth")) <= width, `the table at ${width} px`);
  }
  assert.equal(await page.locator("img[src=x]").count(), 0);
  assert.deepEqual(seat.faults, []);
});

step("what is saved while the server is away is not lost, and not called wrong", async () => {
  await page.goto(`${site}/rules/${encodeURIComponent(harm)}?edit=1`);
  const field = page.getByRole("textbox", { name: "for", exact: true });
  await field.fill("8s");
  await page.getByTestId("check").getByText("would take it").waitFor();
  await page.route("**/api/v1/rules/**", (route) => (route.request().method() === "PUT" ? route.abort() : route.continue()));
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("alert").getByText("neither checked nor saved").waitFor();
  assert.equal(await page.getByText("would refuse").count(), 0);
  assert.equal(await field.inputValue(), "8s");
  await page.unroute("**/api/v1/rules/**");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("is saved and in effect").waitFor();
  assert.equal((await server.json(`/api/v1/rules/${encodeURIComponent(harm)}/definition`)).definition.for, "8s");
});

step("a revoked token ends its session where it is, and signing in again goes on there", async () => {
  const { id, token: secret } = await token("short-lived", ["read"]);
  const guest = await visitor(secret);
  await guest.page.goto(`${site}/activity?kind=node`);
  await guest.page.getByText("node ready", { exact: true }).first().waitFor();
  assert.equal((await server.call("DELETE", `/api/v1/tokens/${id}`)).status, 204);
  await guest.page.getByText("You have been signed out").waitFor({ timeout: 30_000 });
  const next = await token("next", ["read"]);
  await guest.page.getByText("Token", { exact: true }).click();
  await guest.page.getByLabel("Token").last().fill(next.token);
  await guest.page.getByRole("button", { name: "Sign in" }).click();
  await guest.page.getByText("node ready", { exact: true }).first().waitFor();
  assert.match(guest.page.url(), /kind=node/);
  await guest.context.close();
});

step("the admin sees who is signed in, and ends a session", async () => {
  const { token: secret } = await token("guest", ["read"]);
  const guest = await visitor(secret);
  await guest.page.goto(`${site}/rules`);
  await guest.page.getByRole("heading", { name: "Rules", exact: true }).waitFor();
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.goto(`${site}/tokens`);
  const row = page.getByRole("row", { name: /token guest/ });
  await row.getByText(/Chrome \d+, Linux/).waitFor();
  assert.ok(await page.getByRole("row", { name: /you/ }).getByRole("button", { name: /^Sign out/ }).isDisabled());
  await audit(page, "sessions");
  await row.getByRole("button", { name: /^Sign out/ }).click();
  await page.getByRole("tooltip").getByRole("button", { name: "Sign out" }).click();
  await row.waitFor({ state: "detached" });
  await guest.page.getByText("You have been signed out").waitFor({ timeout: 30_000 });
  await guest.context.close();
});

step("an operator may set sizes and protect nodes, and declare nothing", async () => {
  const { token: secret } = await token("operator", ["read", "trigger"]);
  const guest = await visitor(secret);
  await guest.page.goto(`${site}/pools`);
  await guest.page.getByRole("button", { name: "Keep the size: gpu" }).click();
  await guest.page.getByRole("button", { name: "Let it go on: gpu" }).click();
  await guest.page.getByRole("button", { name: "Keep the size: gpu" }).waitFor();
  assert.ok(await guest.page.getByRole("button", { name: "New pool" }).isDisabled());
  assert.equal(await guest.page.getByRole("link", { name: "Tokens" }).count(), 0);
  await guest.page.goto(`${site}/policies`);
  const promote = guest.page.getByRole("button", { name: "Let it decide: idea" });
  await promote.waitFor();
  assert.ok(await promote.isDisabled());
  assert.match(await promote.getAttribute("title"), /scope "admin"/);
  assert.deepEqual(guest.faults, []);
  await guest.context.close();
});

step("what fails in one place is told there, and the rest of the page stands", async () => {
  await page.route("**/query*", (route) => route.fulfill({ status: 500, body: "the store is <b>tired</b>" }));
  await page.goto(site);
  await page.getByText("the store is <b>tired</b>").first().waitFor();
  await page.getByTestId("ready").waitFor();
  await page.unroute("**/query*");
  await page.getByRole("button", { name: "Refresh" }).first().click();
  await page.getByText("the store is <b>tired</b>").first().waitFor({ state: "detached", timeout: 20_000 });
});
