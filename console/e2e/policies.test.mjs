// SPDX-License-Identifier: Apache-2.0
// What policies want, what another would have wanted, and letting another decide.
import { after, before } from "node:test";
import { audit, openStage, steps } from "./steps.mjs";

let stage, server, site, page;
before(async () => {
  stage = await openStage();
  ({ server, site, page } = stage);
});
after(async () => {
  await stage?.close();
});
const step = steps(() => page);

step("policies say what they want, why, and which of them is heard", async () => {
  await page.goto(`${site}/policies`);
  await page.getByRole("row", { name: /calm/ }).getByText("heard", { exact: true }).waitFor();
  await page.getByRole("row", { name: /idea/ }).getByText("shadow", { exact: true }).waitFor();
  await page.getByRole("row", { name: /calm/ }).getByText(/of the last hour/).waitFor();
  // Load and forecast are read out of its reason: they must be where the server says them.
  for (const label of ["Load", "Forecast"]) await page.getByRole("row", { name: /calm/ }).locator(`td[data-label="${label}"]`).getByText(/^[\d.]+ nodes$/).waitFor();
  await audit(page, "policies");
});

step("a recorded hour is run again, and another policy asked what it would have wanted", async () => {
  await page.getByText("What if another policy decided?").click();
  await page.getByRole("button", { name: "Ask it" }).click();
  await page.getByText(/\d+ looks: the pool had/).waitFor();
  await page.getByRole("button", { name: "Run the decisions again" }).click();
  await page.getByText(/All \d+ decisions come out the same/).waitFor();
  await audit(page, "what if");
});

step("a shadow is let decide on probation, and rolled back", async () => {
  await page.getByRole("button", { name: "Let it decide: idea" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("6h", { exact: true }).click();
  await audit(page, "promotion");
  await dialog.getByRole("button", { name: "Let it decide" }).click();
  await page.getByText("idea was promoted by admin").waitFor();
  await page.getByRole("row", { name: /idea/ }).getByText("heard", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Roll back: gpu" }).click();
  await page.getByRole("tooltip").getByRole("button", { name: "Roll back" }).click();
  await page.getByText(/promoted by admin .*was rolled back/).waitFor();
  await page.getByRole("row", { name: /calm/ }).getByText("heard", { exact: true }).waitFor();
});
