// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { decidedBy, decider } from "./policies";
import type { Entry, Policy } from "./types";

const policy = (name: string, want: number | null, shadow = false): Policy => ({ name, pool: "gpu", policy: "lookout", shadow, want, boot_seconds: null, reason: "" });

describe("policies", () => {
  it("grow a pool by the largest wish that is heard, and shrink it only together", () => {
    expect(decider([policy("a", 3), policy("b", 5), policy("c", 9, true)], 4)?.name).toBe("b");
    expect(decider([policy("a", 3), policy("b", 2)], 4)?.name).toBe("a");
    expect(decider([policy("a", 3), policy("b", null)], 4)).toBeUndefined();
    expect(decider([policy("a", 6), policy("b", null)], 4)?.name).toBe("a");
    expect(decider([policy("c", 9, true)], 4)).toBeUndefined();
  });
  it("are named by the ledger's changes of size", () => {
    const entry = (id: number, source: string, pool = "gpu"): Entry => ({ id, at: "", kind: "pool.desired", pool, subject: pool, correlation: "", summary: `${source} sets pool ${pool} from 2 to 3`, details: { source } });
    const found = decidedBy([entry(1, "policy calm (load 1.00 nodes)"), entry(2, "admin 127.0.0.1"), entry(3, "policy bold"), entry(4, "policy bold", "cpu")], "gpu");
    expect(found.map((each) => [each.entry.id, each.policy])).toEqual([[3, "bold"], [1, "calm"]]);
  });
});
