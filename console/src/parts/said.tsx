// SPDX-License-Identifier: Apache-2.0
/** What the server says in words. The times in it are shown as all times are: in the reader's zone. */
import { Fragment } from "react";
import { phaseReason } from "../core/entry_text";
import type { Pool } from "../core/types";
import { useLooks } from "../i18n";
import { Time } from "./pieces";

const kTime = /(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)/;

export function Said({ text }: { text: string | undefined }) {
  if (!text) return null;
  return <>{text.split(kTime).map((piece, i) => (i % 2 ? <Time key={i} at={piece} /> : <Fragment key={i}>{piece}</Fragment>))}</>;
}

/** Why a pool is in its phase. What only counts is said in the reader's language, all else in the server's words. */
export function PhaseReason({ pool }: { pool: Pool | undefined }) {
  const { t } = useLooks();
  return pool ? <Said text={phaseReason(pool, t)} /> : null;
}
