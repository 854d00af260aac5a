// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { layout } from "../parts/heat_map";
import { textIn, type Key } from "../i18n";
import { en } from "../i18n/en";
import { zh } from "../i18n/zh";
import { complete, type Names } from "./completion";
import { bytes, number, span, unitOf } from "./format";
import { EventParser } from "./live";
import { bodyOf, filled, find } from "./openapi";
import { toYaml } from "./rule_config";
import type { Rule } from "./types";

describe("the texts", () => {
  it("are the same in both languages, with the same places to fill in", () => {
    expect(Object.keys(zh).sort()).toEqual(Object.keys(en).sort());
    const places = (text: string) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();
    for (const key of Object.keys(en) as Key[]) expect([key, places(zh[key])]).toEqual([key, places(en[key])]);
  });
  it("are all used", () => {
    const files = (folder: string): string[] => readdirSync(folder, { withFileTypes: true }).flatMap((each) => (each.isDirectory() ? files(`${folder}/${each.name}`) : [`${folder}/${each.name}`]));
    const code = files("src").filter((path) => /\.tsx?$/.test(path) && !path.includes("/i18n/") && !path.endsWith(".test.ts")).map((path) => readFileSync(path, "utf8")).join("\n");
    // Those whose last part is put together: t(`nav.${page}`).
    const made = [...code.matchAll(/`([\w.]+\.)\$\{/g)].map(([, head]) => head);
    expect(Object.keys(en).filter((key) => !code.includes(`"${key}"`) && !made.some((head) => key.startsWith(head)))).toEqual([]);
  });
  it("are filled in, and unknown places stay", () => {
    expect(textIn("en")("explore.rows", { n: 3 })).toBe("3 rows");
    expect(textIn("zh")("explore.rows", {})).toBe("{n} 行");
  });
});

it("numbers carry their units, and absence is no zero", () => {
  expect([number(null), bytes(null), span(undefined)]).toEqual(["–", "–", "–"]);
  expect([bytes(1536), span(3725), span(0), unitOf("power_watts")(70.04), unitOf("utilization_gpu")(45)]).toEqual(["1.5 KiB", "1 h 2 m", "0 s", "70 W", "45 %"]);
  expect([84.25, 999, 1000, 13_254.4, null].map(unitOf("latency_p99_ms"))).toEqual(["84.3 ms", "999 ms", "1 s", "13.25 s", "–"]);
});

it("events are taken from a stream however it is cut", () => {
  const parser = new EventParser();
  const whole = 'id: 7\nevent: activity\ndata: {"a":1}\n\n: heartbeat\n\nid: 8\ndata: {"b":2}\n\n';
  const got = [...whole].flatMap((character) => parser.push(character));
  expect(got).toEqual([{ id: "7", data: '{"a":1}' }, { id: "8", data: '{"b":2}' }]);
});

describe("completion", () => {
  const names: Names = { measurements: ["gpu", "node"], fields: { gpu: ["utilization_gpu", "power_watts"], node: ["in_flight"] }, tags: { gpu: ["node", "gpu"], node: ["node"] }, values: { node: ["n1", "n2"] } };
  const at = (text: string) => complete(text, text.length, names).list;
  it("offers what the place takes", () => {
    expect(at("SEL")[0]).toBe("SELECT ");
    expect(at("SELECT mean(ut")).toEqual(["utilization_gpu"]);
    expect(at("SELECT mean(x) FROM ")).toEqual(["gpu", "node"]);
    expect(at("SELECT mean(x) FROM gpu WHERE node = ")).toEqual(["'n1'", "'n2'"]);
    expect(at("SELECT mean(x) FROM node WHERE in")).toEqual(["in_flight"]);
    expect(at("SELECT mean(x) FROM gpu WHERE $timeFilter GROUP BY no")).toEqual(["node"]);
    expect(at("SHOW MEASUREMENTS; SELECT mean(x) FROM no")).toEqual(["node"]);
  });
  it("knows the fields of the measurement that follows", () => {
    const text = "SELECT mean( FROM node";
    expect(complete(text, "SELECT mean(".length, names).list).toEqual(["in_flight"]);
  });
});

it("ten thousand cells fit", () => {
  const { columns, rows, size } = layout(10_000, 1200, 420);
  expect(columns * rows).toBeGreaterThanOrEqual(10_000);
  expect(rows * size).toBeLessThanOrEqual(600);
  expect(layout(0, 1200, 420).rows).toBe(0);
});

it("a server's calls are found, filled in, and given what was typed", () => {
  const paths = { "/api/v1/rules/{name}": { put: {} } };
  expect(find(paths, "PATCH /api/v1/rules/{name}", "PUT /api/v1/rules/{name}")).toEqual({ method: "PUT", path: "/api/v1/rules/{name}" });
  expect(find(undefined, "GET /x")).toBeUndefined();
  expect(filled("/api/v1/rules/{name}", "a/b <c>")).toBe("/api/v1/rules/a%2Fb%20%3Cc%3E");
  const field = (name: string, type: string) => ({ name, type, help: "", required: false });
  expect(bodyOf([field("step", "integer"), field("set", "object"), field("note", "string")], { step: "2", set: '{"min": 4}', note: "" })).toEqual({ step: 2, set: { min: 4 } });
  expect(() => bodyOf([field("step", "integer")], { step: "two" })).toThrow("step");
});

it("a rule reads as the config file has it", () => {
  const rule = { name: "high: 1", every: "5s", for: "0s", repeat: "30s", condition: "avg(C, 1m) > 45", queries: { C: 'SELECT mean("x") FROM "gpu"' }, notify: ["out", "yes"] } as unknown as Rule;
  expect(toYaml(rule).split("\n")).toEqual(['- name: "high: 1"', "  every: 5s", "  queries:", '    C: "SELECT mean(\\"x\\") FROM \\"gpu\\""', '  condition: "avg(C, 1m) > 45"', "  for: 0s", "  repeat: 30s", '  notify: [out, "yes"]']);
});
