// SPDX-License-Identifier: Apache-2.0
/** A chart to be taken along: its numbers and its picture. */
import { Button } from "antd";
import type { RefObject } from "react";
import { curvesToCsv, type Curve } from "../core/influx";
import { pictureOf } from "../core/picture";
import { fileName, saveFile } from "../core/save_file";
import { useLooks } from "../i18n";
import { colours } from "./chart";

/** Draws what stands in `host`, on the page's ground. */
export async function savePicture(host: HTMLElement | null, title: string, curves: Curve[], dark: boolean) {
  const plot = host?.querySelector("canvas");
  const palette = dark ? colours.dark : colours.light;
  const picture = plot && (await pictureOf(plot, title, curves.map(({ label }, i) => ({ label, colour: palette[i % palette.length] })), dark));
  if (picture) saveFile(fileName(title, "png"), picture);
}

export function ChartTools({ title, curves, host }: { title: string; curves: Curve[]; host: RefObject<HTMLElement> }) {
  const { t, dark } = useLooks();
  const csv = () => saveFile(fileName(title, "csv"), new Blob([curvesToCsv(curves)], { type: "text/csv" }));
  return (
    <>
      <Button size="small" type="text" disabled={!curves.length} aria-label={`${t("explore.csv")}: ${title}`} onClick={csv}>{t("explore.csv")}</Button>
      <Button size="small" type="text" disabled={!curves.length} aria-label={`${t("explore.png")}: ${title}`} onClick={() => void savePicture(host.current, title, curves, dark)}>{t("explore.png")}</Button>
    </>
  );
}
