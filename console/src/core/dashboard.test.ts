// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { fill, prepared, readDashboard, showDashboard } from "./dashboard";

describe("a dashboard", () => {
  it("goes through JSON unchanged", () => {
    for (const each of prepared) expect(readDashboard(showDashboard(each))).toEqual(each);
  });
  it.each([
    ["[]", "object"], ['{"name": ""}', "name"], ['{"name": "a", "variables": ["a b"]}', "variables"], ['{"name": "a", "panels": [{"title": "t"}]}', "panels[0]"],
    ['{"name": "a", "panels": [{"title": "t", "query": "SELECT x FROM gpu"}]}', "$timeFilter"],
  ])("is refused by its place: %s", (text, place) => {
    expect(() => readDashboard(text)).toThrow(place);
  });
  it("has its variables filled in as what they are, whatever they hold", () => {
    const query = 'SELECT mean(x) FROM gpu WHERE $timeFilter AND "node" =~ /^$node$/ GROUP BY time($__interval), $other';
    expect(fill(query, "time > 0s", 10, { node: "" })).toBe('SELECT mean(x) FROM gpu WHERE time > 0s AND "node" =~ /^.*$/ GROUP BY time(10s), $other');
    expect(fill(query, "T", 1, { node: "a/b.c" })).toContain("/^a\\/b\\.c$/");
  });
});
