// SPDX-License-Identifier: Apache-2.0
/** One cell a GPU on a canvas, ten thousand of them as easily as ten. Nodes stand together; the keyboard walks the cells. */
import { useEffect, useMemo, useRef, useState, type KeyboardEvent, type MouseEvent } from "react";
import { percent } from "../core/format";
import { go } from "../core/router";
import { part } from "../core/api";
import { useLooks } from "../i18n";

export interface Cell {
  node: string;
  gpu: string;
  value: number | null;
}

/** Cells a row and their size, so that all of them fit into about `width` by `tall`. */
export function layout(count: number, width: number, tall: number): { columns: number; size: number; rows: number } {
  const most = 28;
  const least = 4;
  let size = Math.floor(Math.sqrt((width * tall) / Math.max(count, 1)));
  size = Math.min(Math.max(size, least), most);
  const columns = Math.max(1, Math.floor(width / size));
  return { columns, size, rows: Math.ceil(count / columns) };
}

/** From calm to hot; grey where nothing is known. */
export function heat(value: number | null, dark: boolean): string {
  if (value === null) return dark ? "#3a4442" : "#cfd6d4";
  const share = Math.min(Math.max(value, 0), 100) / 100;
  const hue = 165 - 160 * share;
  const light = dark ? 24 + 36 * share : 86 - 40 * share;
  return `hsl(${hue.toFixed(0)} ${(45 + 35 * share).toFixed(0)}% ${light.toFixed(0)}%)`;
}

export function HeatMap({ cells, pick }: { cells: Cell[]; pick?: (cell: Cell) => void }) {
  const { t, dark } = useLooks();
  const host = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const [at, setAt] = useState(-1);
  useEffect(() => {
    const observer = new ResizeObserver(() => setWidth(host.current!.clientWidth));
    observer.observe(host.current!);
    return () => observer.disconnect();
  }, []);
  const { columns, size, rows } = useMemo(() => layout(cells.length, width || 600, cells.length > 2000 ? 420 : 220), [cells.length, width]);

  useEffect(() => {
    const element = canvas.current!;
    const ratio = window.devicePixelRatio || 1;
    element.width = Math.round(width * ratio);
    element.height = Math.round(rows * size * ratio);
    const draw = element.getContext("2d")!;
    draw.scale(ratio, ratio);
    const gap = size > 6 ? 1 : size > 4 ? 0.5 : 0;
    cells.forEach((cell, i) => {
      draw.fillStyle = heat(cell.value, dark);
      draw.fillRect((i % columns) * size, Math.floor(i / columns) * size, size - gap, size - gap);
    });
  }, [cells, width, columns, size, rows, dark]);

  const under = (event: MouseEvent) => {
    const box = canvas.current!.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left) / size);
    const i = column < columns ? Math.floor((event.clientY - box.top) / size) * columns + column : -1;
    return i >= 0 && i < cells.length ? i : -1;
  };
  const open = (i: number) => {
    const cell = cells[i];
    if (cell) (pick ?? ((each: Cell) => go(`/nodes/${part(each.node)}`)))(cell);
  };
  const key = (event: KeyboardEvent) => {
    const by: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns };
    if (event.key === "Enter") open(at);
    if (!(event.key in by)) return;
    event.preventDefault();
    setAt((before) => Math.min(Math.max(before < 0 ? 0 : before + by[event.key], 0), cells.length - 1));
  };
  const summary = useMemo(() => {
    const count = (fits: (value: number) => boolean) => cells.filter((each) => each.value !== null && fits(each.value)).length;
    return t("nodes.heat.aria", { n: cells.length, busy: count((v) => v > 80), idle: count((v) => v < 10), dark: cells.filter((each) => each.value === null).length });
  }, [cells, t]);
  const cell = cells[at];
  return (
    <div ref={host} className="heat">
      <canvas ref={canvas} tabIndex={0} role="img" aria-label={summary} style={{ width: "100%", height: rows * size, display: "block", cursor: at >= 0 ? "pointer" : "default" }}
              onMouseMove={(event) => setAt(under(event))} onMouseLeave={() => setAt(-1)} onClick={(event) => open(under(event))} onKeyDown={key} />
      {cell && <div className="heat-at" style={{ left: (at % columns) * size, top: Math.floor(at / columns) * size, width: size, height: size }} />}
      <div className="heat-foot">
        <span role="status">{cell ? `${cell.node} · GPU ${cell.gpu}: ${cell.value === null ? t("nodes.heat.none") : percent(cell.value)}` : summary}</span>
        <span className="heat-scale" aria-hidden="true">0 % <i style={{ background: `linear-gradient(90deg, ${[0, 25, 50, 75, 100].map((v) => heat(v, dark)).join(",")})` }} /> 100 %</span>
      </div>
    </div>
  );
}
