// SPDX-License-Identifier: Apache-2.0
/** The ledger's entries in the reader's language. The server writes English; a kind is a code, so that what always has the same
 * shape is said anew from the entry's details. Reasons in free words stay as the server wrote them. */
import type { Language, Text } from "../i18n";
import { kindsEn } from "../i18n/entries_en";
import { entriesZh, sentencesZh, wordsZh } from "../i18n/entries_zh";
import { number } from "./format";
import type { Entry, Pool } from "./types";

/** "node.boot_timeout" reads "node boot timeout" where there is no better name. */
export const kindIn = (language: Language, kind: string): string => (language === "zh" ? entriesZh[kind]?.[0] : kindsEn[kind]) ?? kind.replace(/[._]/g, " ");

/** "rule GPU usage high", "policy calm (load 1.2 nodes ...)", "http 10.0.0.7", "admin" */
const kSources: [RegExp, string][] = [[/^rule (.+)$/, "规则 $1"], [/^policy ([^ (]+).*$/, "策略 $1"], [/^schedule (.+)$/, "计划 $1"], [/^token (.+)$/, "令牌 $1"], [/^http (.+)$/, "来自 $1 的调用"], [/^configuration$/, "配置"]];
function sourceInChinese(source: string): string {
  const found = kSources.find(([shape]) => shape.test(source));
  return found ? source.replace(found[0], found[1]) : source;
}

/** Every place filled, or undefined. */
function filledBy(sentence: string, entry: Entry): string | undefined {
  let whole = true;
  const text = sentence.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = name === "subject" ? entry.subject : name === "pool" ? entry.pool : entry.details?.[name];
    if (typeof value === "number") return number(value);
    if (typeof value === "string" && value) return name === "source" ? sourceInChinese(value) : (wordsZh[name]?.[value] ?? value);
    whole = false;
    return "";
  });
  return whole ? text : undefined;
}

/** What pulled the trigger that set a size: the entry's own sentence only tells the size. */
function pulledBy({ kind, details }: Entry): string | undefined {
  if (kind !== "pool.desired" || typeof details?.trigger !== "string" || !details.trigger) return undefined;
  const source = String(details.source ?? "");
  return !source || source.startsWith("http ") ? `trigger ${details.trigger}` : source;
}

export function sentenceIn(language: Language, entry: Entry): string {
  if (language === "zh") {
    for (const sentence of (entriesZh[entry.kind] ?? []).slice(1)) {
      const text = filledBy(sentence, entry);
      if (text) return text;
    }
    const [shape, sentence] = (sentencesZh[entry.kind] ?? []).find(([each]) => each.test(entry.summary)) ?? [];
    return shape ? entry.summary.replace(shape, sentence!) : entry.summary;
  }
  const by = pulledBy(entry);
  return by ? `${by}: ${entry.summary}` : entry.summary;
}

/** Why a pool is in its phase: counts are said anew, all else is the server's. */
export function phaseReason({ counts, desired, phase_reason: reason, phase_cause: cause }: Pool, t: Text): string {
  const { ready, launching, booting, draining, parked = 0 } = counts;
  if (cause !== "counts") return reason;
  const parts = [["phase.coming", launching + booting], ["phase.leaving", draining - parked], ["phase.parked", parked]] as const;
  return [t("phase.ready", { ready, desired }), ...parts.flatMap(([key, n]) => (n > 0 ? [t(key, { n })] : []))].join(t("phase.and"));
}
