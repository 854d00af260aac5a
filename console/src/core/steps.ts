// SPDX-License-Identifier: Apache-2.0
/** The steps of a policy as a form holds them: texts while they are typed. Pure. */
import type { Definition } from "./definitions";

export interface Step {
  side: "above" | "below";
  line: string;
  nodes: string;
  for: string; // how long it must hold; "" = a moment is enough
  rest: Definition; // keys that no form knows, for the server to name
}

const text = (value: unknown): string => (value === undefined || value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value));
/** A number where it is one; else as it was typed, for the server to name the fault. */
const numberIn = (typed: string): unknown => (/^-?\d+(\.\d+)?$/.test(typed) ? Number(typed) : typed);

export function stepsIn(value: unknown): Step[] {
  return (Array.isArray(value) ? (value as unknown[]) : []).map((each) => {
    const { above, below, add, remove, for: holds, ...rest } = (typeof each === "object" && each !== null && !Array.isArray(each) ? each : {}) as Definition;
    const side = below !== undefined && above === undefined ? "below" : "above";
    return { side, line: text(side === "above" ? above : below), nodes: text((side === "above" ? add : remove) ?? 1), for: text(holds), rest };
  });
}
export function stepOf({ side, line, nodes, for: holds, rest }: Step): Definition {
  return { [side]: numberIn(line), [side === "above" ? "add" : "remove"]: numberIn(nodes), ...(holds ? { for: holds } : {}), ...rest };
}
