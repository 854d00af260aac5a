// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { textIn } from "../i18n";
import { allDashboards, dashboardOf, definitionOf, fill, prepared, readDefinition, showDefinition, shownName, whyEmpty } from "./dashboard";

const t = textIn("en");

describe("a dashboard", () => {
  it("goes through JSON unchanged", () => {
    for (const each of prepared(t)) expect(readDefinition(showDefinition(definitionOf(each)))).toEqual(definitionOf(each));
  });
  it.each(["[]", "7", "null", "{"])("is an object: %s is none", (text) => {
    expect(() => readDefinition(text)).toThrow();
  });
  it("that is kept stands in front of a prepared one of its name", () => {
    const mine = dashboardOf({ name: "Cluster", origin: "api", version: 3, definition: { panels: [] } });
    const all = allDashboards([mine, dashboardOf({ name: "night", origin: "api", version: 4, definition: { panels: [], refresh: "10s" } })], t);
    expect(all.map((each) => [each.name, each.version])).toEqual([["Cluster", 3], ["Node", undefined], ["night", 4]]);
    expect(all.map((each) => shownName(each, textIn("zh")))).toEqual(["Cluster", "节点", "night"]);
  });
  it("has its variables filled in as what they are, whatever they hold", () => {
    const query = 'SELECT mean(x) FROM gpu WHERE $timeFilter AND "node" =~ /^$node$/ GROUP BY time($__interval), $other';
    expect(fill(query, "time > 0s", 10, { node: "" })).toBe('SELECT mean(x) FROM gpu WHERE time > 0s AND "node" =~ /^.*$/ GROUP BY time(10s), $other');
    expect(fill(query, "T", 1, { node: "a/b.c" })).toContain("/^a\\/b\\.c$/");
  });
  it("says of an empty chart who would tell what it asks for", () => {
    expect(whyEmpty('SELECT mean("power_watts") FROM "gpu" WHERE $timeFilter GROUP BY time($__interval)')).toBe("dash.none.sensor");
    expect(whyEmpty("SELECT max(latency_p99_ms) FROM inference WHERE $timeFilter")).toBe("dash.none.inference");
    for (const usual of ['SELECT mean("utilization_gpu") FROM "gpu"', "SHOW DATABASES", ""]) expect(whyEmpty(usual)).toBe("chart.none");
  });
});
