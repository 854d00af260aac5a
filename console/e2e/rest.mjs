// SPDX-License-Identifier: Apache-2.0
// When a page has come to rest, and what is wrong with one that has.

/** A page asks again for what it follows: so long without a question, ms, is rest. */
const kQuiet = 250;
const kPatience = 15_000;

/** Watches a page's calls from now on. @return waits until nothing is on its way, nothing spins and nothing fades; the stream of events is never done */
export function watchRest(page) {
  const open = new Set();
  let last = Date.now();
  const counted = (request) => !request.url().endsWith("/api/v1/events");
  page.on("request", (request) => counted(request) && open.add(request) && (last = Date.now()));
  for (const end of ["requestfinished", "requestfailed"]) page.on(end, (request) => open.delete(request) && (last = Date.now()));
  // What turns without end is known by what it stands in: the icon of a button may turn on unseen.
  const ended = (each) => each.playState !== "running" || each.effect?.getTiming().iterations === Infinity;
  const still = () => page.evaluate(`!document.querySelector(".ant-spin-spinning, .ant-btn-loading") && document.getAnimations().every(${ended})`);
  return async () => {
    open.clear(); // those of the page before end with it, and not all say so
    last = Math.max(last, Date.now() - kQuiet / 2);
    for (const deadline = Date.now() + kPatience; Date.now() < deadline; await page.waitForTimeout(40)) {
      if (open.size === 0 && Date.now() - last >= kQuiet && (await still())) return;
    }
    throw new Error(`not at rest after ${kPatience / 1000} s: ${[...open].map((each) => each.url()).join(" ") || "something spins or moves"}`);
  };
}

/** Why a page cannot be shown as it is; undefined: it can. */
export async function ailmentOf(page, { faults, strangers }) {
  const seen = await page.evaluate(() => ({
    text: document.body.innerText.trim().length, heading: !!document.querySelector("h1"), wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    broken: document.querySelector("[data-broken]")?.textContent, failed: [...document.querySelectorAll('.ant-alert-error[role="alert"]')].map((each) => each.textContent).join("; "),
  }));
  if (faults.length) return faults.join("; ");
  if (strangers.length) return `asked strangers: ${strangers.join(" ")}`;
  if (seen.broken) return seen.broken;
  if (seen.failed) return seen.failed;
  if (!seen.heading || seen.text < 40) return "blank";
  return seen.wide > 0 ? `${seen.wide} px wider than the window` : undefined;
}
