// SPDX-License-Identifier: Apache-2.0
// What policies want, what another would have wanted, letting another decide; making, changing and deleting them.
import assert from "node:assert/strict";
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
const drawer = () => page.getByRole("dialog");
async function choose(label, option) {
  await drawer().getByRole("combobox", { name: label, exact: true }).focus();
  await page.keyboard.type(option);
  await page.locator(`.ant-select-dropdown:visible [title="${option}"]`).click();
}
const checked = (says = "would take it") => page.getByTestId("check").getByText(says).waitFor();

step("policies say what they want, why, and which of them is heard", async () => {
  await page.goto(`${site}/policies`);
  await page.getByRole("row", { name: /calm/ }).getByText("heard", { exact: true }).waitFor();
  await page.getByRole("row", { name: /idea/ }).getByText("shadow", { exact: true }).waitFor();
  await page.getByRole("row", { name: /calm/ }).getByText(/of the last hour/).waitFor();
  // Load and forecast are read out of its reason: they must be where the server says them.
  for (const label of ["Load, in nodes", "Forecast, in nodes"]) await page.getByRole("row", { name: /calm/ }).locator(`td[data-label="${label}"]`).getByText(/^[\d.]+$/).waitFor();
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

step("a policy that goes by a value is made with its steps; the server's faults stand at them", async () => {
  await page.goto(`${site}/policies`);
  await page.getByRole("button", { name: "New policy" }).click();
  await drawer().getByRole("textbox", { name: "name", exact: true }).fill("steady");
  await choose("pool", "gpu");
  await drawer().getByText("Forecasts the load one boot time ahead.").waitFor();
  await choose("type", "step");
  await drawer().getByText("Nodes added over a line of a value of yours").waitFor();
  await drawer().getByRole("button", { name: "Add: queries" }).click();
  await drawer().getByRole("textbox", { name: "queries: Key" }).fill("Q");
  const query = drawer().getByRole("combobox", { name: "queries: Q" });
  await query.pressSequentially("SEL");
  await drawer().getByRole("option", { name: "SELECT" }).waitFor();
  await query.press("Tab"); // takes it, and stays
  await query.pressSequentially("mean(uti");
  await drawer().getByRole("option", { name: "utilization_gpu", exact: true }).waitFor();
  await query.fill('SELECT mean("utilization_gpu") FROM "gpu" WHERE $timeFilter');
  await drawer().getByRole("textbox", { name: "value", exact: true }).fill("avg(Q, 1m)");
  for (const line of ["99", "abc"]) {
    await drawer().getByRole("button", { name: "Add: steps" }).click();
    await drawer().getByRole("textbox", { name: /^steps \d: line$/ }).last().fill(line);
  }
  await drawer().getByText(/"abc" must be a number/).waitFor();
  await checked("would refuse");
  await drawer().getByRole("textbox", { name: "steps 2: line" }).fill("1");
  await checked();
  assert.ok(await drawer().getByRole("switch", { name: "shadow" }).isChecked(), "a new one begins as a shadow");
  await audit(page, "new policy");
  await drawer().getByRole("button", { name: "Save" }).click();
  await page.getByRole("row", { name: /steady/ }).getByText("shadow", { exact: true }).waitFor();
  const { definition } = await server.json("/api/v1/policies/steady/definition");
  assert.deepEqual(definition.steps, [{ above: 99, add: 1 }, { below: 1, remove: 1 }]);
});

step("it is edited by two people, of whom the second is told; and deleted after a question", async () => {
  await page.getByRole("button", { name: "Edit steady" }).click();
  await choose("type", "hpa");
  await drawer().getByRole("textbox", { name: "steps 1: line" }).waitFor({ state: "detached" });
  await drawer().getByPlaceholder("default: 70").fill("65");
  await checked();
  const { definition, version } = await server.json("/api/v1/policies/steady/definition");
  await server.call("PUT", "/api/v1/policies/steady", JSON.stringify({ definition: { ...definition, value: "avg(Q, 2m)" }, version }));
  await page.getByTestId("conflict").waitFor();
  await page.getByRole("button", { name: "What differs" }).click();
  await page.getByRole("cell", { name: "avg(Q, 2m)" }).waitFor();
  await page.getByRole("button", { name: "Put my changes on top" }).click();
  await checked();
  await drawer().getByRole("button", { name: "Save" }).click();
  await page.getByRole("row", { name: /steady/ }).getByText("hpa=0.65").waitFor();
  assert.deepEqual((await server.json("/api/v1/policies/steady/definition")).definition, { name: "steady", pool: "gpu", type: "hpa", target: 65, shadow: true });
  await page.getByRole("button", { name: "Delete steady" }).click();
  await page.getByRole("tooltip").getByRole("button", { name: "Delete" }).click();
  await page.getByRole("row", { name: /steady/ }).waitFor({ state: "detached" });
});

step("a promoted policy says so where it is edited, and is not deleted; the file's can be looked at", async () => {
  const put = (name, definition) => server.call("PUT", `/api/v1/policies/${name}`, JSON.stringify({ definition }));
  assert.equal((await put("bold", { pool: "gpu", type: "hpa", shadow: true })).status, 201);
  await server.call("POST", "/api/v1/pools/gpu/promote", JSON.stringify({ policy: "bold" }));
  await page.getByRole("row", { name: /bold/ }).getByText("heard", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Edit bold" }).click();
  await drawer().getByText("bold is heard since admin").waitFor();
  await drawer().getByRole("button", { name: "Close" }).last().click();
  await page.getByRole("button", { name: "Delete bold" }).click();
  await page.getByRole("tooltip").getByRole("button", { name: "Delete" }).click();
  await page.getByText("pool gpu hears bold, which is promoted").waitFor();
  await page.getByRole("button", { name: "View calm" }).click();
  await drawer().getByText("read-only here").waitFor();
  assert.ok(await page.getByRole("button", { name: "Delete calm" }).isDisabled());
  await audit(page, "declared policy");
});
