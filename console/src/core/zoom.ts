// SPDX-License-Identifier: Apache-2.0
/** The stretch that a page's charts are zoomed into, in the address: all charts of a page show the same one. */
import { useCallback, useMemo } from "react";
import { useParam } from "./router";

export interface Zoom {
  from: number; // seconds
  to: number;
}

/** "1700000000-1700000060"; null where the text is none. */
export function zoomIn(text: string): Zoom | null {
  const found = /^(\d{1,11})-(\d{1,11})$/.exec(text);
  const [from, to] = found ? [Number(found[1]), Number(found[2])] : [0, 0];
  return to > from ? { from, to } : null;
}
/** Of at least two seconds: less than a bucket has nothing to show. */
export const zoomText = ({ from, to }: Zoom) => `${Math.floor(from)}-${Math.max(Math.ceil(to), Math.floor(from) + 2)}`;

export function useZoom(): [Zoom | null, (zoom: Zoom | null) => void] {
  const [text, setText] = useParam("zoom", "");
  const zoom = useMemo(() => zoomIn(text), [text]);
  return [zoom, useCallback((next: Zoom | null) => setText(next ? zoomText(next) : ""), [setText])];
}
