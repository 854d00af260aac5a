// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { en } from "../i18n/en";
import { at, fitting, isKept, keysFor, kKeys, kKinds, missing, withValue, type Definition, type Key } from "./definitions";
import { differences, differs, faultsAt, faultsIn, merged, withoutSecrets } from "./editing";

describe("a definition", () => {
  it("takes a value at a path, and leaves out what is empty", () => {
    const pool = { name: "gpu", min: 2, cooldown: { scale_in: "2m" } };
    expect(withValue(pool, "cooldown.scale_out", "8s")).toEqual({ name: "gpu", min: 2, cooldown: { scale_in: "2m", scale_out: "8s" } });
    expect(withValue(pool, "cooldown.scale_in", "")).toEqual({ name: "gpu", min: 2 });
    expect(Object.keys(withValue(pool, "min", 3))).toEqual(["name", "min", "cooldown"]);
    expect(at(pool, "cooldown.scale_in")).toBe("2m");
    expect(pool).toEqual({ name: "gpu", min: 2, cooldown: { scale_in: "2m" } });
  });
  it("of a channel has the keys of its type, and loses those of another", () => {
    expect(keysFor("channels", { type: "slack" }).map((key) => key.path)).toEqual(["type", "url", "states", "timeout", "ca_file"]);
    expect(fitting("channels", { name: "ops", type: "slack", url: "https://x", bearer: "b", basic: { user: "u" }, states: ["ok"] })).toEqual({ name: "ops", type: "slack", url: "https://x", states: ["ok"] });
    expect(missing("channels", { type: "email", server: "smtp://x" })).toEqual(["from", "to"]);
  });
  it("of a trigger has a pool to scale, or a command or a URL", () => {
    expect(missing("triggers", { type: "scale_out" })).toEqual(["pool"]);
    expect(missing("triggers", { type: "run" })).toEqual(["command"]);
    expect(fitting("triggers", { type: "call", url: "https://x", pool: "gpu", step: 2, command: ["a"] })).toEqual({ type: "call", url: "https://x", pool: "gpu" });
  });
  it("of a policy has what its type goes by", () => {
    const paths = (definition: Definition) => keysFor("policies", definition).map((key) => key.path);
    expect(paths({})).toEqual(["pool", "type", "setting", "shadow", "boot"]);
    expect(paths({ type: "step" })).toEqual(["pool", "type", "queries", "value", "steps", "shadow"]);
    expect(keysFor("policies", { type: "hpa" }).filter((key) => key.path === "target").map((key) => [key.control, key.otherwise])).toEqual([["whole", "70"]]);
    expect(missing("policies", { type: "target", pool: "gpu" })).toEqual(["queries", "value", "target"]);
    expect(fitting("policies", { pool: "gpu", type: "hpa", target: 60, setting: 3, steps: [], queries: { Q: "q" }, value: "avg(Q, 1m)", boot: "60s" })).toEqual({ pool: "gpu", type: "hpa", target: 60, setting: 3, boot: "60s" });
  });
  it("has every key and every type of policy explained", () => {
    const told = (key: Key) => [key.help ?? key.path, ...(key.told ? key.choices! : []).map((choice) => `${key.path}.${choice}`)];
    for (const kind of kKinds) for (const name of kKeys[kind].flatMap(told)) expect([kind, name, `def.${kind}.${name}` in en]).toEqual([kind, name, true]);
  });
});

it("a server's faults stand at their keys, with line and column", () => {
  const faults = faultsIn('definition.condition: line 1, column 7: found "1m", expected ","\ndefinition.notify[0]: no channel "x"; known: a; definition.queries.C: has no $timeFilter\nthe pool is gone');
  expect(faults).toEqual([
    { path: "condition", line: 1, column: 7, text: 'found "1m", expected ","' }, { path: "notify", text: 'no channel "x"; known: a' }, { path: "queries.C", text: "has no $timeFilter" }, { path: "", text: "the pool is gone" },
  ]);
  expect(faultsAt(faults, "queries").length).toBe(1);
  expect(faultsAt([{ path: "provider.type", text: "x" }], "provider", ["provider.type"])).toEqual([]);
});

describe("two people at one definition", () => {
  const base = { condition: "avg(C, 1m) > 45", for: "5s", queries: { C: "q", "d.e": "r" }, notify: ["a"] };
  it("see what each of them says", () => {
    expect(differences({ ...base, for: "9s" }, { ...base, condition: "x", for: undefined })).toMatchObject([{ path: "condition", theirs: "x" }, { path: "for", mine: "9s", theirs: undefined }]);
    expect(differs(base, { ...base, notify: ["a"] })).toBe(false);
  });
  it("have both changes once they are laid over each other; what both changed is the later one's", () => {
    const mine = { ...base, for: "9s", queries: { C: "q2", "d.e": "r" } };
    const theirs = { ...base, condition: "avg(C, 1m) > 60", for: "7s", notify: ["a", "b"] };
    expect(merged(base, mine, theirs)).toEqual({ condition: "avg(C, 1m) > 60", for: "9s", queries: { C: "q2", "d.e": "r" }, notify: ["a", "b"] });
    expect(merged(base, { condition: base.condition, queries: base.queries, notify: base.notify }, theirs)).toEqual({ condition: "avg(C, 1m) > 60", queries: base.queries, notify: ["a", "b"] });
  });
});

it("a kept draft holds no secret that was typed", () => {
  const base = { name: "ops", origin: "api", version: 3, definition: { type: "webhook", url: { secret: "set" }, bearer: { secret: "set" } } };
  const draft = { name: "ops", definition: { type: "webhook", url: "https://x/?key=1", bearer: "hunter2hunter2", signing_secret: "typed", method: "PUT" }, base };
  expect(withoutSecrets("channels", draft).definition).toEqual({ type: "webhook", url: { secret: "set" }, bearer: { secret: "set" }, method: "PUT" });
  expect([isKept({ secret: "set" }), isKept("set"), isKept({ secret: "set", more: 1 })]).toEqual([true, false, false]);
});
