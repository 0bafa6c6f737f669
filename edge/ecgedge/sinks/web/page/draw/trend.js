// Heart rate and its variability over the last hours.

import uPlot from "../vendor/uPlot.esm.js";
import { ticks } from "./axis.js";
import { colours } from "./paper.js";

const MINUTE_S = 60;
const LEAST = { rate: [40, 120], hrv: [0, 60] }; // shown at least, so that a quiet heart looks quiet

/** A chart in an element, which it fills. */
export class Trend {
  /** @param {HTMLElement} box */
  constructor(box) {
    this.box = box;
    this.shown = { history: { minutes: [], hrv: [] }, from: 0, to: MINUTE_S, start: null };
    this.resize();
  }

  /** Take on a size and colours anew. */
  resize() {
    this.remove();
    this.plot = new uPlot(this.#options(), columns(this.shown.history), this.box);
    this.#scale();
  }

  /** The window knows of each chart until it is destroyed. */
  remove() {
    if (this.plot) this.plot.ctx.canvas.width = 0;
    this.plot?.destroy();
  }

  /** Show a history from one time of the stream to another. */
  show(history, from, to, start) {
    const sameClock = start === this.shown.start;
    this.shown = { history, from, to, start };
    this.plot.setData(columns(history), false);
    this.#scale();
    if (!sameClock) this.plot.redraw(false, true); // it keeps the words of an axis whose range stays
    this.box.setAttribute("aria-label", words(history, from));
  }

  #scale() {
    const { from, to } = this.shown;
    this.plot.batch(() => {
      this.plot.setScale("x", { min: from, max: Math.max(to, from + MINUTE_S) });
      for (const key of Object.keys(LEAST)) this.plot.setScale(key, range(this.plot, key, from, to));
    });
  }

  #options() {
    const paint = colours(this.box, "faint", "rule", "line", "band", "hrv");
    const font = "12px system-ui, sans-serif";
    const axis = { stroke: paint.faint, font, grid: { stroke: paint.rule, width: 1 }, ticks: { show: false } };
    const time = (plot) => ticks(plot.scales.x.min, plot.scales.x.max, plot.width / 90, this.shown.start);
    return {
      width: Math.max(this.box.clientWidth, 100),
      height: Math.max(this.box.clientHeight, 100),
      legend: { show: false },
      cursor: { show: false },
      padding: [10, 0, 0, 0],
      scales: { x: { time: false, auto: false }, rate: { auto: false }, hrv: { auto: false } },
      axes: [
        { ...axis, size: 26, splits: (plot) => time(plot).map((t) => t.at),
          values: (plot) => time(plot).map((t) => t.words) },
        { ...axis, scale: "rate", size: 40, space: 36 },
        { ...axis, scale: "hrv", side: 1, size: 40, space: 36, grid: { show: false } },
      ],
      series: [
        {},
        { scale: "rate", width: 0, points: { show: false } },
        { scale: "rate", width: 0, points: { show: false } },
        { scale: "rate", stroke: paint.line, width: 2, points: { size: 4, fill: paint.line } },
        { scale: "hrv", stroke: paint.hrv, width: 2, dash: [6, 4], spanGaps: true,
          points: { size: 5, fill: paint.hrv } },
      ],
      bands: [{ series: [2, 1], fill: paint.band }],
    };
  }
}

/** The lists of a history as one table, by time: low, high and mean rate of each minute, and RMSSD. */
function columns({ minutes, hrv }) {
  const rows = new Map();
  // To uPlot undefined is nothing to draw here, null is a break in the line.
  const row = (at) => rows.get(at) ?? rows.set(at, [at]).get(at);
  let last = null;
  for (const { start_s, low, mean, high } of minutes) {
    const at = start_s + MINUTE_S / 2;
    if (last !== null && at - last > 1.5 * MINUTE_S) row(last + MINUTE_S).splice(1, 3, null, null, null);
    row(at).splice(1, 3, low, high, mean);
    last = at;
  }
  for (const { start_s, rmssd_ms } of hrv) row(start_s)[4] = rmssd_ms;
  const sorted = [...rows.values()].sort((a, b) => a[0] - b[0]);
  return [0, 1, 2, 3, 4].map((column) => sorted.map((r) => r[column]));
}

/** All values that are shown, with some air, and a range that is shown at least. */
function range(plot, key, from, to) {
  const [least, most] = LEAST[key];
  const shown = plot.data[0].map((at) => at >= from && at <= to);
  const values = plot.series.flatMap((s, i) =>
    i && s.scale === key ? plot.data[i].filter((v, at) => v != null && shown[at]) : []);
  return {
    min: Math.min(least, 10 * Math.floor(Math.min(...values, least) / 10)),
    max: Math.max(most, 10 * Math.ceil(Math.max(...values, most) / 10)),
  };
}

function words({ minutes, hrv }, from) {
  const shown = minutes.filter((m) => m.start_s >= from);
  if (!shown.length) return "Trend: nothing yet";
  const [low, high] = [Math.min(...shown.map((m) => m.low)), Math.max(...shown.map((m) => m.high))];
  const last = hrv.at(-1);
  const hrvWords = last ? `; RMSSD last ${Math.round(last.rmssd_ms)} ms` : "";
  return `Trend: heart rate from ${Math.round(low)} to ${Math.round(high)} a minute${hrvWords}`;
}
