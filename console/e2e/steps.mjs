// SPDX-License-Identifier: Apache-2.0
// What the tests in a browser have in common: steps that leave a picture where they fail, and the look for what some cannot read.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** @param page gives the page to be drawn, @param holds says why a step cannot begin; undefined: it can */
export const steps = (page, holds = () => undefined) => (name, body) => test(name, async (context) => {
  const why = holds();
  if (why) return context.skip(why);
  try {
    await body();
  } catch (error) {
    const folder = process.env.GPUSCALE_SHOTS ?? "/tmp/gpuscale-console-shots";
    mkdirSync(folder, { recursive: true });
    await page()?.screenshot({ path: `${folder}/failed-${name.replace(/\W+/g, "-").slice(0, 100)}.png` }).catch(() => undefined);
    throw error;
  }
});

export async function audit(page, where) {
  await page.waitForTimeout(400); // what fades in or out has colours of its own meanwhile
  const findings = await page.evaluate(`${axe}; axe.run(document, { resultTypes: ["violations"], rules: { region: { enabled: false } } })`);
  const serious = findings.violations.filter((each) => ["serious", "critical"].includes(each.impact));
  assert.deepEqual(serious.map((each) => `${where}: ${each.id}: ${each.help}: ${each.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`), []);
}
