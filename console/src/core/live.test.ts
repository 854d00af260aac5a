// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import { changeOf } from "./live";

it("an entry about what is declared says of what kind and which version", () => {
  const entry = (kind: string, details: Record<string, unknown> | null) => changeOf({ kind, details });
  expect(entry("config.changed", { kind: "rule", name: "a/b", action: "changes", version: 7 })).toEqual({ kind: "rules", name: "a/b", action: "changes", version: 7 });
  expect(entry("config.changed", { kind: "dashboard", name: "d", action: "deletes" })).toEqual({ kind: "dashboards", name: "d", action: "deletes", version: undefined });
  for (const [kind, details] of [["rule.firing", { kind: "rule", name: "a" }], ["config.changed", null], ["config.changed", { kind: "planet", name: "a" }]] as const) expect(entry(kind, details)).toBeUndefined();
});
