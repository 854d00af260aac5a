// SPDX-License-Identifier: Apache-2.0
/** Curves over time with what belongs on them: thresholds (which may be dragged), marks of what happened, and bands. Charts of
 * one `sync` share their cursor. Dragging over a stretch zooms all charts of the page, a double click goes back. */
import { useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { aligned, type Curve } from "../core/influx";
import { clock, unknown, utc } from "../core/format";
import { useWide } from "../core/wide";
import { useZoom } from "../core/zoom";
import { useLooks } from "../i18n";

/** By the size of the screen. `grip`: what is kept free at the right for a threshold's, so that it does not lie on what is newest. */
const kSizes = [
  { taller: 1, mark: 11, font: 12, apart: 70, below: 30, beside: 64, grip: 76 },
  { taller: 1.35, mark: 13, font: 14, apart: 90, below: 34, beside: 78, grip: 92 },
  { taller: 1.8, mark: 17, font: 18, apart: 120, below: 42, beside: 100, grip: 120 },
];
const kWhole = [0, 1, 2, 3, 4, 5, 6].flatMap((power) => [1, 2, 5].map((each) => each * 10 ** power));

export interface Threshold {
  value: number;
  label: string;
  above?: boolean; // which side is the bad one, for its tint
  onChange?: (value: number) => void;
  aria?: string;
}
export interface Mark {
  time: number; // seconds
  label: string;
  kind: "out" | "in" | "bad";
}
export interface ChartProps {
  what: string;
  curves: Curve[];
  unit: (value: number | null) => string;
  height?: number;
  from?: number;
  to?: number;
  thresholds?: Threshold[];
  marks?: Mark[];
  bands?: [number, number][];
  max?: number; // the axis reaches at least so far
  none?: string; // shown instead of "no data in this range"
  sync?: string;
  fill?: boolean;
  step?: boolean;
  legend?: boolean;
  whole?: boolean; // counts: the axis has whole numbers alone
}

/** Where the cursor points, or the newest that is known. */
function readAt(list: ArrayLike<number | null | undefined>, at: number | null | undefined): number | null {
  if (at !== null && at !== undefined) return list[at] ?? null;
  for (let i = list.length - 1; i >= 0; --i) if (list[i] !== null && list[i] !== undefined) return list[i] as number;
  return null;
}

const bare = (curves: Curve[]) => !curves.some((curve) => curve.values.some((value) => value !== null));
/** Nothing that its axis would measure. */
const blank = ({ curves, thresholds }: ChartProps) => bare(curves) && !thresholds?.length;

const light = ["#0b6e4f", "#b4560f", "#3557b7", "#8a3ea8", "#a3234e", "#5b6b00", "#00718f", "#7a4b2a"];
const dark = ["#4fd1a5", "#f0a35e", "#86a8ff", "#d190ec", "#ff86ab", "#c2d14b", "#5ccbe8", "#d3a37c"];
export const colours = { light, dark };

function ink(isDark: boolean) {
  return isDark
    ? { text: "#b9c3c0", grid: "#ffffff14", threshold: "#ff7875", out: "#4fd1a5", in: "#86a8ff", bad: "#ff7875", band: "#ff787530" }
    : { text: "#4a5553", grid: "#00000012", threshold: "#c21f30", out: "#0b6e4f", in: "#3557b7", bad: "#c21f30", band: "#c21f3022" };
}

export function Chart(props: ChartProps) {
  const { what, curves, unit, sync, legend } = props;
  const wide = useWide();
  const size = kSizes[wide];
  const height = Math.round((props.height ?? 260) * size.taller);
  const { language, dark: isDark, t } = useLooks();
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>();
  const extra = useRef(props);
  extra.current = props;
  const [zoom, setZoom] = useZoom();
  const zoomed = useRef<[number, number] | null>(null);
  zoomed.current = zoom && [zoom.from, zoom.to];
  const change = useRef(setZoom);
  change.current = setZoom;
  const [scale, setScale] = useState<{ min: number; max: number; top: number; height: number } | null>(null);

  const data = useMemo(() => aligned(curves), [curves]);
  const labels = curves.map((curve) => curve.label).join("\n");
  const marked = !!props.marks;
  const gripped = !!props.thresholds?.some((each) => each.onChange);
  const showLegend = legend ?? (curves.length > 1 && curves.length <= 12);

  useEffect(() => {
    const element = host.current!;
    const paint = ink(isDark);
    const palette = isDark ? dark : light;
    const draw = (u: uPlot) => {
      const { ctx } = u;
      const { left, top, width, height: tall } = u.bbox;
      const ratio = devicePixelRatio;
      ctx.save();
      ctx.beginPath();
      ctx.rect(left, top, width, tall);
      ctx.clip();
      for (const [from, to] of extra.current.bands ?? []) {
        const x0 = u.valToPos(from, "x", true);
        ctx.fillStyle = paint.band;
        ctx.fillRect(x0, top, Math.max(u.valToPos(to, "x", true) - x0, 2 * ratio), tall);
      }
      for (const { value } of extra.current.thresholds ?? []) {
        const y = u.valToPos(value, "y", true);
        ctx.strokeStyle = paint.threshold;
        ctx.lineWidth = 1.5 * ratio;
        ctx.setLineDash([6 * ratio, 4 * ratio]);
        ctx.beginPath();
        ctx.moveTo(left, y);
        ctx.lineTo(left + width, y);
        ctx.stroke();
      }
      ctx.setLineDash([]);
      ctx.restore();
      ctx.save();
      ctx.font = `${size.mark * ratio}px system-ui, sans-serif`;
      ctx.textAlign = "left";
      ctx.textBaseline = "alphabetic";
      const marks = extra.current.marks ?? [];
      for (const [i, mark] of marks.entries()) {
        const x = u.valToPos(mark.time, "x", true);
        if (x < left || x > left + width) continue;
        ctx.strokeStyle = ctx.fillStyle = paint[mark.kind];
        ctx.lineWidth = ratio;
        ctx.beginPath();
        ctx.moveTo(x, top);
        ctx.lineTo(x, top + tall);
        ctx.stroke();
        const arm = 5 * ratio;
        const y = top - arm - ratio;
        ctx.beginPath();
        const tip = mark.kind === "out" ? -arm : arm;
        ctx.moveTo(x, y + tip);
        ctx.lineTo(x - arm, y - tip);
        ctx.lineTo(x + arm, y - tip);
        ctx.fill();
        const wide = ctx.measureText(mark.label).width;
        const end = x + arm * 1.6 + wide;
        const room = i + 1 < marks.length ? u.valToPos(marks[i + 1].time, "x", true) - arm : Infinity;
        if (end < room && end < left + width) ctx.fillText(mark.label, x + arm * 1.6, top - 2 * ratio);
      }
      ctx.restore();
    };
    const place = (u: uPlot) => {
      const { min, max } = u.scales.y;
      if (min === undefined || max === undefined || min === null || max === null) return;
      const next = { min, max, top: u.bbox.top / devicePixelRatio, height: u.bbox.height / devicePixelRatio };
      setScale((before) => (before && before.min === next.min && before.max === next.max && before.top === next.top && before.height === next.height ? before : next));
    };
    const font = `${size.font}px system-ui, "Noto Sans CJK SC", sans-serif`;
    const options: uPlot.Options = {
      width: Math.max(element.clientWidth, 100),
      height,
      padding: [marked ? size.mark + 8 : null, gripped ? size.grip : null, null, null],
      cursor: { sync: sync ? { key: sync } : undefined, drag: { x: true, y: false }, points: { size: 6 } },
      legend: { show: showLegend, live: true },
      scales: {
        x: { time: true, range: (_u, low, high) => zoomed.current ?? [extra.current.from ?? low, extra.current.to ?? high] },
        y: {
          range: (_u, low, high) => {
            const lines = (extra.current.thresholds ?? []).map((each) => each.value);
            const top = Math.max(high ?? 0, extra.current.max ?? 0, ...lines) || 1;
            const bottom = Math.min(low ?? 0, 0);
            return [bottom, top <= 100 && extra.current.max === 100 ? 100 : top * 1.08];
          },
        },
      },
      axes: [
        { stroke: paint.text, font, grid: { stroke: paint.grid, width: 1 }, ticks: { show: false }, space: size.apart, size: size.below,
          values: (_u, splits, _i, _s, every) => splits.map((each) => {
            const text = clock(each * 1000, language);
            if (every >= 86400) return new Date(each * 1000).toLocaleDateString(language === "zh" ? "zh-CN" : "en-GB", { month: "short", day: "numeric" });
            return every >= 60 ? text.slice(0, 5) : text;
          }) },
        { stroke: paint.text, font, grid: { stroke: paint.grid, width: 1 }, ticks: { show: false }, incrs: extra.current.whole ? kWhole : undefined, size: size.beside, values: (_u, splits) => splits.map((each) => (blank(extra.current) ? "" : unit(each))) },
      ],
      series: [
        { label: t("chart.time"), value: (u, _value, _series, at) => {
          const time = readAt(u.data[0], at);
          return time === null ? unknown : `${clock(time * 1000, language)} (${utc(time * 1000)})`;
        } },
        ...labels.split("\n").map((label, i) => ({
          label,
          stroke: palette[i % palette.length],
          width: 1.75,
          fill: extra.current.fill && i === 0 ? palette[i] + "1f" : undefined,
          paths: extra.current.step ? uPlot.paths.stepped!({ align: 1 }) : undefined,
          points: { show: false },
          value: (u: uPlot, _value: number | null, series: number, at: number | null) => unit(readAt(u.data[series] ?? [], at)),
        })),
      ],
      hooks: {
        draw: [draw, place],
        setSelect: [
          (u) => {
            if (u.select.width < 4) return;
            change.current({ from: u.posToVal(u.select.left, "x"), to: u.posToVal(u.select.left + u.select.width, "x") });
            u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          },
        ],
      },
    };
    const u = new uPlot(options, data as uPlot.AlignedData, element);
    plot.current = u;
    u.over.addEventListener("dblclick", () => change.current(null));
    const resize = new ResizeObserver(() => u.setSize({ width: Math.max(element.clientWidth, 100), height }));
    resize.observe(element);
    return () => {
      resize.disconnect();
      u.destroy();
      plot.current = undefined;
    };
    // The data is set below, without building the chart anew.
    // eslint-disable-next-line
  }, [labels, isDark, language, height, wide, sync, showLegend, gripped, marked, t]);

  useEffect(() => {
    plot.current?.setData(data as uPlot.AlignedData, true);
    plot.current?.setLegend({ idx: plot.current.cursor.idx ?? (null as unknown as number) }, false);
  }, [data, zoom, props.from, props.to]);
  useEffect(() => {
    plot.current?.redraw(false, true);
  }, [props.thresholds, props.marks, props.bands]);

  const newest = curves[0]?.values.reduce<number | null>((last, value) => value ?? last, null) ?? null;
  const empty = bare(curves);
  return (
    <div className="chart" style={{ minHeight: height }}>
      <div ref={host} role="img" aria-label={t("chart.aria", { what, value: unit(newest) })} />
      {empty && <div className="chart-none">{props.none ?? t("chart.none")}</div>}
      {scale && (props.thresholds ?? []).map((each, i) => <Handle key={i} threshold={each} scale={scale} unit={unit} />)}
    </div>
  );
}

type Scale = { min: number; max: number; top: number; height: number };

/** The grip of a threshold at the chart's right edge; a fixed one only says what it is. */
function Handle({ threshold, scale, unit }: { threshold: Threshold; scale: Scale; unit: (value: number) => string }) {
  const share = (scale.max - threshold.value) / (scale.max - scale.min);
  const span = scale.max - scale.min;
  const place = { top: scale.top + Math.min(Math.max(share, 0), 1) * scale.height };
  if (!threshold.onChange) {
    return <span className="threshold-label" style={place}>{threshold.label}</span>;
  }
  const change = threshold.onChange;
  const at = (element: HTMLElement, clientY: number) => {
    const box = element.parentElement!.getBoundingClientRect();
    const y = Math.min(Math.max(clientY - box.top - scale.top, 0), scale.height);
    change(scale.max - (y / scale.height) * span);
  };
  return (
    <button
      type="button"
      className="threshold-grip"
      style={place}
      role="slider"
      aria-orientation="vertical"
      aria-label={threshold.aria ?? threshold.label}
      aria-valuemin={scale.min}
      aria-valuemax={scale.max}
      aria-valuenow={threshold.value}
      aria-valuetext={unit(threshold.value)}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={(event) => event.currentTarget.hasPointerCapture(event.pointerId) && at(event.currentTarget, event.clientY)}
      onKeyDown={(event) => {
        const steps: Record<string, number> = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10 };
        const by = steps[event.key];
        if (!by) return;
        event.preventDefault();
        change(threshold.value + (by * span) / 100);
      }}
    >
      {threshold.label}
    </button>
  );
}
