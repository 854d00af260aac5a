// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { textIn } from "../i18n";
import { kindIn, phaseReason, sentenceIn } from "./entry_text";
import type { Entry, Pool } from "./types";

const entry = (kind: string, details: Record<string, unknown>, summary = "in the server's words"): Entry => ({ id: 1, at: "", kind, pool: "gpu", subject: "it", correlation: "c", summary, details });

describe("an entry of the ledger", () => {
  it("of a known shape is told in Chinese from its details", () => {
    expect(sentenceIn("zh", entry("rule.firing", { explanation: "avg(C, 10s) = 46.9 > 45" }))).toBe("规则 it 告警：avg(C, 10s) = 46.9 > 45");
    expect(sentenceIn("zh", entry("pool.desired", { from: 2, to: 3, source: "rule high", trigger: "out" }))).toBe("节点池 gpu 从 2 到 3 个节点（触发器 out，规则 high）");
    expect(sentenceIn("zh", entry("pool.desired", { from: 0, to: 2, source: "configuration" }))).toBe("节点池 gpu 从 0 到 2 个节点（配置）");
    expect(kindIn("zh", "rule.firing")).toBe("规则告警");
  });
  it("stays in the server's words where its details do not hold all of them, and in English", () => {
    expect(sentenceIn("zh", entry("rule.firing", {}))).toBe("in the server's words");
    expect(sentenceIn("zh", entry("trigger.refused", { trigger: "out", source: "admin" }))).toBe("in the server's words");
    expect(sentenceIn("zh", entry("node.of_tomorrow", { a: 1 }))).toBe("in the server's words");
    expect([sentenceIn("en", entry("rule.firing", { explanation: "x" })), kindIn("en", "rule.firing"), kindIn("zh", "node.of_tomorrow")]).toEqual(["in the server's words", "rule firing", "node of tomorrow"]);
    expect([kindIn("en", "pool.desired"), kindIn("en", "rule.no_data")]).toEqual(["size wanted", "rule without data"]);
  });
  it("of what somebody did is told in Chinese, from its details or its sentence", () => {
    const told = (kind: string, summary: string, details = {}) => sentenceIn("zh", entry(kind, details, summary));
    expect(told("session.opened", "admin signed in from 10.0.0.7")).toBe("admin 从 10.0.0.7 登录");
    expect(told("token.created", "admin made the token load (read, trigger)")).toBe("admin 创建令牌 load（read, trigger）");
    expect(told("rule.silenced", "admin silences spread of load until 2026-11-27T12:17:48Z")).toBe("admin 静默规则 spread of load，至 2026-11-27T12:17:48Z");
    expect(told("rule.silenced", "admin silences all rules until 2026-11-27T12:17:48Z")).toBe("admin 静默全部规则，至 2026-11-27T12:17:48Z");
    expect(told("config.changed", "admin makes rule latency", { source: "admin", action: "makes", kind: "rule", name: "latency" })).toBe("admin 创建规则 latency");
    expect(told("session.opened", "somebody came in another way")).toBe("somebody came in another way");
  });
  it("that sets a size names what pulled the trigger", () => {
    expect(sentenceIn("en", entry("pool.desired", { trigger: "out", source: "rule high" }, "grow pool gpu from 2 to 3"))).toBe("rule high: grow pool gpu from 2 to 3");
    expect(sentenceIn("en", entry("pool.desired", { trigger: "out", source: "http 10.0.0.7" }, "grow pool gpu from 2 to 3"))).toBe("trigger out: grow pool gpu from 2 to 3");
    expect(sentenceIn("en", entry("pool.desired", { source: "policy calm" }, "policy calm sets"))).toBe("policy calm sets");
  });
});

describe("why a pool is in its phase", () => {
  const counts = { launching: 0, booting: 0, ready: 2, draining: 0, parked: 0 };
  const said = (more: Partial<Pool["counts"]>, phase_cause?: string) => phaseReason({ name: "gpu", min: 0, max: 9, desired: 4, counts: { ...counts, ...more }, phase: "", phase_reason: "in the server's words", phase_cause } as Pool, textIn("zh"));
  it("is told in the reader's language where it only counts", () => {
    expect(said({}, "counts")).toBe("4 个中 2 个就绪");
    expect(said({ launching: 1, booting: 1 }, "counts")).toBe("4 个中 2 个就绪，2 个即将到来");
    expect(said({ draining: 3, parked: 1 }, "counts")).toBe("4 个中 2 个就绪，2 个正在离开，1 个停放");
  });
  it("stays in the server's words where there is more to it, or an older server does not say", () => {
    for (const cause of ["silence", "blocked", undefined]) expect(said({ booting: 1 }, cause)).toBe("in the server's words");
  });
});
