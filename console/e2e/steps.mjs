// SPDX-License-Identifier: Apache-2.0
// What the tests in a browser have in common: steps that leave a picture where they fail, and the look for what some cannot read.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { openBrowser, openPage } from "./browser.mjs";
import { pictures, Server, signIn } from "./server.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** A server, and a seat before its console that is signed in to it, until close().
 * @param config as of Server.start() */
export async function openStage(config) {
  const server = await Server.start(config);
  const site = process.env.GPUSCALE_CONSOLE_URL ?? server.url;
  let browser;
  const close = async () => {
    await browser?.close();
    await server.close();
  };
  try {
    browser = await openBrowser();
    const seat = await openPage(browser);
    seat.page.setDefaultTimeout(15_000);
    await signIn(seat.page, site);
    return { server, site, browser, seat, page: seat.page, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** @param page gives the page to be drawn, @param holds says why a step cannot begin; undefined: it can */
export const steps = (page, holds = () => undefined) => (name, body) => test(name, async (context) => {
  const why = holds();
  if (why) return context.skip(why);
  try {
    await body();
  } catch (error) {
    mkdirSync(pictures, { recursive: true });
    await page()?.screenshot({ path: `${pictures}/failed-${name.replace(/\W+/g, "-").slice(0, 100)}.png` }).catch(() => undefined);
    throw error;
  }
});

/** Where something stands on the page, once it does: a chart that is being drawn anew is nowhere for a moment. */
export async function placeOf(locator) {
  const deadline = Date.now() + 15_000;
  while (Date.now() < deadline) {
    const box = await locator.boundingBox().catch(() => null);
    if (box) return box;
    await locator.page().waitForTimeout(50);
  }
  throw new Error(`${locator} did not come to stand anywhere`);
}

export async function audit(page, where) {
  // What fades in or out has colours of its own meanwhile, and a notice may begin to at any moment.
  const still = await page.addStyleTag({ content: "*, ::before, ::after { animation: none !important; transition: none !important; }" });
  const findings = await page.evaluate(`${axe}; axe.run(document, { resultTypes: ["violations"], rules: { region: { enabled: false } } })`);
  await still.evaluate((style) => style.remove());
  const serious = findings.violations.filter((each) => ["serious", "critical"].includes(each.impact));
  assert.deepEqual(serious.map((each) => `${where}: ${each.id}: ${each.help}: ${each.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`), []);
}
