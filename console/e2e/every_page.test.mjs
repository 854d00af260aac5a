// SPDX-License-Identifier: Apache-2.0
// What must hold on every page: readable for axe in both themes and both languages, one title and one heading, no sideways scroll,
// and all of it within reach of the Tab key, seen where it is.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { everyPage } from "./pages.mjs";
import { audit, openStage, steps } from "./steps.mjs";

const kMostTabs = 400;
let stage, server, site, seat, page, pages;
before(async () => {
  stage = await openStage();
  ({ server, site, seat, page } = stage);
  await server.call("PUT", "/api/v1/rules/latency", JSON.stringify({ definition: { queries: { L: 'SELECT max("latency_p99_ms") FROM "inference" WHERE $timeFilter GROUP BY time(5s)' }, condition: "max(L, 1m) > 200" } }));
  await server.call("POST", "/api/v1/silences", JSON.stringify({ rule: "spread of load", for: "1h", comment: "new model" }));
  pages = { ...(await everyPage((path) => server.json(path))), nowhere: "/no/such/page", norule: "/rules/gone", nonode: "/nodes/gone" };
});
after(async () => {
  await stage?.close();
});
const step = steps(() => page);
const open = async (path) => {
  await page.goto(site + path);
  await page.getByRole("heading").first().waitFor();
  await page.waitForFunction(() => !document.querySelector(".ant-spin-spinning"), undefined, { timeout: 15_000 });
};
const looks = (language, theme) => page.evaluate(([lang, dark]) => {
  localStorage.setItem("gpuscale.language", lang);
  localStorage.setItem("gpuscale.theme", dark);
}, [language, theme]);

for (const [language, theme] of [["en", "light"], ["en", "dark"], ["zh", "dark"]]) {
  step(`axe finds nothing serious on any page, ${language}, ${theme}`, async () => {
    await looks(language, theme);
    const titles = new Map();
    for (const [name, path] of Object.entries(pages)) {
      await open(path);
      await audit(page, `${name}, ${language}, ${theme}`);
      const seen = await page.evaluate("({ title: document.title, lang: document.documentElement.lang, theme: document.documentElement.dataset.theme, headings: document.querySelectorAll('h1').length, wide: document.documentElement.scrollWidth })");
      assert.match(seen.title, / · gpuscale$/, name);
      assert.deepEqual([seen.lang, seen.theme, seen.headings], [language === "zh" ? "zh-CN" : "en", theme, 1], name);
      assert.ok(seen.wide <= 1280, `${name} is ${seen.wide} px wide`);
      titles.set(path.split("?")[0], seen.title);
    }
    assert.ok(new Set(titles.values()).size >= 12, JSON.stringify([...titles]));
  });
}

/** In the page: marks all that the Tab key must reach, in the dialog where one is open. */
function markReachable() {
  const inside = [...document.querySelectorAll(".ant-drawer-content, .ant-modal-content")].filter((each) => each.getBoundingClientRect().width > 0).pop() ?? document;
  const groups = new Set();
  let count = 0;
  for (const each of inside.querySelectorAll('a[href], button, input, textarea, select, summary, [tabindex="0"]')) {
    const box = each.getBoundingClientRect();
    const dead = each.disabled || each.closest("[aria-hidden=true]") || each.tabIndex < 0 || !each.checkVisibility({ visibilityProperty: true });
    if (dead || (box.width === 0 && each.type !== "radio")) continue;
    if (each.type === "radio") {
      // One of a group is in the order of Tab, the others are reached by the arrow keys.
      const group = each.name || each.closest("[role=radiogroup]");
      if (groups.has(group) || !each.checked) continue;
      groups.add(group);
    }
    each.dataset.reach = String(count++);
  }
  return count;
}

/** In the page: what has the focus now, and whether it shows. */
function focused() {
  const at = document.activeElement;
  if (!at || at === document.body) return { reach: "" };
  const marked = (each) => {
    const style = getComputedStyle(each);
    return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
  };
  // What Ant Design draws is around or beside that which has the focus.
  const near = [at, at.nextElementSibling, at.parentElement, at.closest(".ant-select-selector, .ant-input-affix-wrapper, .ant-input-number, .ant-segmented-item, label")].filter(Boolean);
  return { reach: at.dataset.reach ?? "", shows: near.some(marked), html: at.outerHTML.slice(0, 140) };
}

/** What is wrong with the layout of each page; what comes in or is drawn anew at the moment is looked at once more. */
async function misplaced(look) {
  const faults = [];
  for (const [name, path] of Object.entries(pages)) {
    await open(path);
    let found = await page.evaluate(look);
    if (found.length) {
      await page.waitForTimeout(700);
      found = await page.evaluate(look);
    }
    faults.push(...found.map((each) => `${name}: ${each}`));
  }
  return faults;
}

step("no page is wider than a phone of 360 px, and every table's cell is inside", async () => {
  await looks("en", "light");
  await page.setViewportSize({ width: 360, height: 780 });
  const faults = await misplaced(() => {
    const out = [...document.querySelectorAll("main td, main h1, main button")].filter((each) => each.getBoundingClientRect().right > innerWidth + 1 && !each.closest(".table-wrap, .ant-segmented, .ant-table-content"));
    const wide = document.documentElement.scrollWidth;
    return [...(wide > 360 ? [`${wide} px wide`] : []), ...out.map((each) => `outside: ${each.textContent.slice(0, 60)}`)];
  });
  await page.setViewportSize({ width: 1280, height: 900 });
  assert.deepEqual(faults, []);
});

step("no table hides its last column at 1280 px", async () => {
  await looks("en", "light");
  assert.deepEqual(await misplaced(() => [...document.querySelectorAll(".table-wrap")].filter((each) => each.scrollWidth > each.clientWidth + 1).map((each) => `${each.scrollWidth - each.clientWidth} px are hidden`)), []);
});

step("the Tab key reaches every control of every page, and one sees where it is", async () => {
  await looks("en", "light");
  const faults = [];
  for (const [name, path] of Object.entries(pages)) {
    await open(path);
    await page.waitForTimeout(700); // drawers come in, and take the focus
    const all = await page.evaluate(markReachable);
    const reached = new Set();
    for (let i = 0; i < kMostTabs && reached.size < all; ++i) {
      await page.keyboard.press("Tab");
      let { reach, shows, html } = await page.evaluate(focused);
      for (let tries = 0; reach !== "" && !shows && tries < 5; ++tries) {
        await page.waitForTimeout(60); // it may fade in
        ({ shows, html } = await page.evaluate(focused));
      }
      if (reach === "") continue;
      if (!shows) faults.push(`${name}: not seen: ${html}`);
      reached.add(reach);
    }
    const missed = await page.evaluate((got) => [...document.querySelectorAll("[data-reach]")].filter((each) => !got.includes(each.dataset.reach)).map((each) => each.outerHTML.slice(0, 140)), [...reached]);
    faults.push(...missed.map((html) => `${name}: not reached: ${html}`));
  }
  assert.deepEqual(faults, []);
});

step("a person without a mouse skips to the content, opens a rule and its dialog, and leaves it", async () => {
  await open("/");
  const tabTo = async (role, label) => {
    for (let i = 0; i < kMostTabs; ++i) {
      await page.keyboard.press("Tab");
      if (await page.getByRole(role, { name: label, exact: true }).first().evaluate((each) => each === document.activeElement).catch(() => false)) return;
    }
    assert.fail(`Tab does not reach ${label}`);
  };
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter"); // skip to content
  assert.equal(await page.evaluate("document.activeElement.tagName"), "MAIN");
  await tabTo("link", "GPU usage high");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: /GPU usage high/ }).first().waitFor();
  await tabTo("button", "Silence");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.waitForFunction(() => document.querySelector("[role=dialog]").contains(document.activeElement));
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
});

step("nothing asked another host and nothing complained", async () => {
  assert.deepEqual(seat.strangers, []);
  assert.deepEqual(seat.faults, []);
});
