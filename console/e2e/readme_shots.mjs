// SPDX-License-Identifier: Apache-2.0
// The README's two pictures, of a server that runs the demo: node e2e/readme_shots.mjs URL FOLDER
import { mkdirSync } from "node:fs";
import { openBrowser, openPage } from "./browser.mjs";

const [url, folder] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const browser = await openBrowser();
const shots = [
  { file: "overview.png", path: "/?range=5m", language: "en", theme: "light" },
  { file: "rule.png", path: "/rules/GPU%20usage%20high?range=5m", language: "en", theme: "dark" },
];
for (const { file, path, language, theme } of shots) {
  const { page, context } = await openPage(browser, { width: 1200, height: 860, language, theme });
  await page.goto(url + path);
  await page.locator(".u-over").first().waitFor();
  await page.waitForTimeout(4000);
  await page.screenshot({ path: `${folder}/${file}` });
  await context.close();
}
await browser.close();
