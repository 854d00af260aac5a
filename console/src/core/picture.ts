// SPDX-License-Identifier: Apache-2.0
/** A chart as a picture that can stand alone: on the page's ground, with its title and what each colour means. */

const kMostNames = 30;
const kPad = 12;
const kLine = 18;

export interface Named {
  label: string;
  colour: string;
}

/** @param plot the drawn chart. Its size in the page is the picture's. */
export function pictureOf(plot: HTMLCanvasElement, title: string, names: Named[], dark: boolean): Promise<Blob | null> {
  const ratio = plot.width / Math.max(plot.clientWidth, 1);
  const width = plot.clientWidth + 2 * kPad;
  const canvas = document.createElement("canvas");
  const draw = canvas.getContext("2d")!;
  const shown = names.slice(0, kMostNames);
  draw.font = "12px system-ui, sans-serif";
  let [x, row] = [kPad, 0];
  const places = shown.map(({ label }) => {
    const wide = Math.min(draw.measureText(label).width + 30, width - 2 * kPad);
    if (x + wide > width - kPad && x > kPad) [x, row] = [kPad, row + 1];
    const place = { x, row };
    x += wide;
    return place;
  });
  const top = kPad + 24;
  const foot = shown.length ? (row + 1) * kLine + kPad : 0;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round((top + plot.clientHeight + foot + kPad) * ratio);
  draw.scale(ratio, ratio);
  draw.fillStyle = dark ? "#161c1b" : "#fff";
  draw.fillRect(0, 0, canvas.width, canvas.height);
  draw.fillStyle = dark ? "#e3eae8" : "#1a2321";
  draw.font = "600 14px system-ui, sans-serif";
  draw.fillText(title, kPad, kPad + 14, width - 2 * kPad);
  draw.drawImage(plot, kPad, top, plot.clientWidth, plot.clientHeight);
  draw.font = "12px system-ui, sans-serif";
  shown.forEach(({ label, colour }, i) => {
    const y = top + plot.clientHeight + kPad + places[i].row * kLine;
    draw.fillStyle = colour;
    draw.fillRect(places[i].x, y + 4, 10, 10);
    draw.fillStyle = dark ? "#e3eae8" : "#1a2321";
    draw.fillText(label, places[i].x + 15, y + 13, width - places[i].x - kPad - 15);
  });
  return new Promise((done) => canvas.toBlob(done));
}
