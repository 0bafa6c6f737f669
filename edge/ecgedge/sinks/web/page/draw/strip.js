// A strip of ECG that stands still, on paper: 25 mm/s, 10 mm/mV.

import { PX_PER_MV, PX_PER_S, colours, drawPaper, fit } from "./paper.js";

const ABOVE_MV = 0.5; // of paper over the highest and under the lowest point
const LEAST_MV = [-1, 1.5]; // shown at least, so that a quiet line looks quiet
const LETTERS_PX = 22;
const UNNAMED = "·";

/**
 * Draw a strip; the canvases take the size that it needs.
 *
 * @param {{paper: HTMLCanvasElement, trace: HTMLCanvasElement, box: HTMLElement}} parts `box` holds both
 * @param {{start_s: number, fs: number, mv: (number|null)[], beats: {at_s: number, symbol: string|null}[]}}
 *   strip as the server sends it
 */
export function drawStrip({ paper, trace, box }, strip) {
  const known = strip.mv.filter((v) => v !== null).sort((a, b) => a - b);
  const base = known.length ? known[known.length >> 1] : 0;
  const top = Math.max(LEAST_MV[1], (known.at(-1) ?? 0) - base) + ABOVE_MV;
  const bottom = Math.min(LEAST_MV[0], (known[0] ?? 0) - base) - ABOVE_MV;
  box.style.width = `${(strip.mv.length / strip.fs) * PX_PER_S}px`;
  box.style.height = `${LETTERS_PX + (top - bottom) * PX_PER_MV}px`;
  const zero = LETTERS_PX + top * PX_PER_MV;
  drawPaper(paper, 1, LETTERS_PX, zero);
  const { context } = fit(trace);
  const paint = colours(trace, "trace", "faint", "beat-N", "beat-S", "beat-V", "beat-F", "beat-Q");
  drawLine(context, strip, (mv) => zero - (mv - base) * PX_PER_MV, paint.trace);
  for (const { at_s, symbol } of strip.beats) {
    context.fillStyle = paint[`beat-${symbol}`] || paint.faint;
    context.font = `${symbol && symbol !== "N" ? 700 : 400} 15px system-ui, sans-serif`;
    context.textAlign = "center";
    context.fillText(symbol || UNNAMED, (at_s - strip.start_s) * PX_PER_S, 16);
  }
}

function drawLine(pen, { mv, fs }, y, colour) {
  pen.strokeStyle = colour;
  pen.lineWidth = 1.6;
  pen.lineJoin = "round";
  pen.beginPath();
  let down = false;
  mv.forEach((value, i) => {
    if (value !== null) pen[down ? "lineTo" : "moveTo"]((i / fs) * PX_PER_S, y(value));
    down = value !== null;
  });
  pen.stroke();
}
