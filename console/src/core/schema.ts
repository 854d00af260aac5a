// SPDX-License-Identifier: Apache-2.0
/** The names that are stored, for completion. */
import { useEffect, useState } from "react";
import type { Names } from "./completion";
import { query, type StatementResult } from "./influx";

const kTags = ["cluster", "pool", "node", "gpu", "model"];
const kMostValues = 200;

async function storedNames(signal?: AbortSignal): Promise<Names> {
  const values = kTags.map((tag) => `SHOW TAG VALUES WITH KEY = "${tag}" LIMIT ${kMostValues}`);
  const results = await query(["SHOW MEASUREMENTS", "SHOW FIELD KEYS", "SHOW TAG KEYS", ...values].join("; "), signal);
  const column = (result: StatementResult | undefined, at: number) => Object.fromEntries((result?.series ?? []).map((series) => [series.name, series.values.map((row) => String(row[at]))]));
  return {
    measurements: Object.values(column(results[0], 0)).flat(),
    fields: column(results[1], 0),
    tags: column(results[2], 0),
    values: Object.fromEntries(kTags.map((tag, i) => [tag, [...new Set(Object.values(column(results[3 + i], 1)).flat())]])),
  };
}

const kNoNames: Names = { measurements: [], fields: {}, tags: {}, values: {} };

/** None until they are known, and where they cannot be: completion then knows the language alone. @param wanted whether to ask */
export function useStoredNames(wanted = true): Names {
  const [names, setNames] = useState(kNoNames);
  useEffect(() => {
    if (!wanted) return;
    const abort = new AbortController();
    storedNames(abort.signal).then(setNames, () => undefined);
    return () => abort.abort();
  }, [wanted]);
  return names;
}
