// The rhythm of the last hours as a band: by colour, by pattern and, where it fits, by letter.

import { clock, ticks } from "./axis.js";
import { colours, fit, pattern, slant } from "./paper.js";

// The words of the program, see ecgedge.sinks.words; a test compares them.
export const LABELS = {
  N: "sinus rhythm",
  A: "atrial fibrillation",
  O: "another rhythm",
  "~": "too noisy to say",
  gap: "no signal",
};
const PAINTS = { N: "rhythm-N", A: "rhythm-A", O: "rhythm-O", "~": "rhythm-noise", gap: "lost" };
const BAND_PX = 34;
const TOP_PX = 14; // room for marks
const STEP_S = 10; // an arrow key: the length of a strip
const PAGES = 10; // PageUp and PageDown: a tenth of what is shown
const LETTER_PX = 22; // a narrower stretch keeps its letter to itself

/** The band, with a cursor that mouse and keys move; `onPick(seconds)` when somebody wants to see a place. */
export class Timeline {
  /**
   * @param {HTMLElement} slider takes focus and keys
   * @param {HTMLCanvasElement} canvas in it
   * @param {(at: number) => void} onPick
   */
  constructor(slider, canvas, onPick) {
    Object.assign(this, { slider, canvas, onPick });
    this.history = { spans: [], marks: [] };
    this.cursor = null; // seconds; null: now
    this.from = 0;
    this.to = 1;
    this.start = null;
    slider.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("click", (event) => this.#click(event));
    this.resize();
  }

  resize() {
    Object.assign(this, fit(this.canvas));
    const names = ["text", "faint", "rule", "mark", "accent", "on-band", ...Object.values(PAINTS)];
    this.paint = colours(this.canvas, ...names);
    this.patterns = patterns(this.context, this.paint["on-band"], this.dots);
    this.draw();
  }

  /** Show a history from one time of the stream to another. */
  show(history, from, to, start) {
    Object.assign(this, { history, from, to: Math.max(to, from + 1), start });
    this.draw();
    this.#tell();
  }

  /** The label at a time, or null where there is none. */
  label(at) {
    return this.history.spans.findLast((s) => s.start_s <= at && at < s.end_s)?.label ?? null;
  }

  draw() {
    this.context.clearRect(0, 0, this.width, this.height);
    this.#axis();
    for (const span of this.history.spans) this.#span(span);
    for (const mark of this.history.marks) this.#flag(mark.start_s);
    if (this.cursor !== null) this.#cursor();
  }

  #x(at) {
    return ((at - this.from) / (this.to - this.from)) * this.width;
  }

  #span({ start_s, end_s, label }) {
    const a = Math.max(0, this.#x(start_s));
    const b = Math.min(this.width, this.#x(end_s));
    if (b <= 0 || a >= this.width || b <= a) return;
    const width = Math.max(b - a, 1 / this.dots);
    for (const style of [this.paint[PAINTS[label] ?? "lost"], this.patterns[label]]) {
      if (!style) continue;
      this.context.fillStyle = style;
      this.context.fillRect(a, TOP_PX, width, BAND_PX);
    }
    if (b - a >= LETTER_PX && label !== "gap") this.#letter(label, (a + b) / 2);
  }

  /** On a plate of the band's own colour, or the pattern would run through it. */
  #letter(label, x) {
    const pen = this.context;
    const y = TOP_PX + BAND_PX / 2;
    pen.fillStyle = this.paint[PAINTS[label] ?? "lost"];
    pen.fillRect(x - 9, y - 10, 18, 20);
    pen.fillStyle = this.paint["on-band"];
    pen.font = "700 15px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(label, x, y + 1);
  }

  #flag(at) {
    const x = this.#x(at);
    if (x < 0 || x > this.width) return;
    const pen = this.context;
    pen.fillStyle = this.paint.mark;
    pen.fillRect(x - 1, 2, 2, TOP_PX + BAND_PX - 2);
    pen.beginPath();
    pen.moveTo(x - 6, 1);
    pen.lineTo(x + 6, 1);
    pen.lineTo(x, 10);
    pen.fill();
  }

  #cursor() {
    const x = this.#x(this.cursor);
    this.context.strokeStyle = this.paint.accent;
    this.context.lineWidth = 2;
    this.context.strokeRect(x - 4, TOP_PX - 3, 8, BAND_PX + 6);
  }

  #axis() {
    const pen = this.context;
    pen.fillStyle = this.paint.rule;
    pen.fillRect(0, TOP_PX, this.width, BAND_PX);
    pen.font = "12px system-ui, sans-serif";
    pen.textBaseline = "top";
    for (const { at, words } of ticks(this.from, this.to, this.width / 90, this.start)) {
      const x = this.#x(at);
      const half = pen.measureText(words).width / 2;
      pen.fillStyle = this.paint.faint;
      pen.fillRect(x, TOP_PX + BAND_PX, 1, 5);
      pen.textAlign = "center";
      pen.fillText(words, Math.min(this.width - half, Math.max(half, x)), TOP_PX + BAND_PX + 7);
    }
  }

  #click(event) {
    const left = this.canvas.getBoundingClientRect().left;
    this.#move(this.from + ((event.clientX - left) / this.width) * (this.to - this.from));
    this.onPick(this.cursor);
  }

  #key(event) {
    const here = this.cursor ?? this.to;
    const page = Math.max(STEP_S, (this.to - this.from) / PAGES);
    const moves = {
      ArrowLeft: here - STEP_S, ArrowDown: here - STEP_S, ArrowRight: here + STEP_S, ArrowUp: here + STEP_S,
      PageDown: here - page, PageUp: here + page, Home: this.from, End: this.to,
    };
    if (event.key in moves) this.#move(moves[event.key]);
    else if (event.key === "Enter" || event.key === " ") this.onPick(here);
    else return;
    event.preventDefault();
  }

  #move(at) {
    this.cursor = Math.min(this.to, Math.max(this.from, 0, at));
    this.draw();
    this.#tell();
  }

  #tell() {
    const at = this.cursor ?? this.to;
    const words = LABELS[this.label(this.cursor ?? this.to - 1)] ?? "nothing known";
    this.slider.setAttribute("aria-valuemin", Math.floor(this.from));
    this.slider.setAttribute("aria-valuemax", Math.ceil(this.to));
    this.slider.setAttribute("aria-valuenow", Math.round(at));
    this.slider.setAttribute("aria-valuetext", `${clock(at, this.start)}, ${words}`);
  }
}

/** What tells labels apart where colours do not: stripes, dots, a net. */
function patterns(context, ink, dots) {
  const make = (draw) => pattern(context, dots, (pen) => {
    [pen.strokeStyle, pen.fillStyle, pen.globalAlpha, pen.lineWidth] = [ink, ink, 0.45, 1.5];
    draw(pen);
  });
  return {
    A: make((pen) => slant(pen, 8, 0)),
    O: make((pen) => pen.fillRect(2, 2, 3, 3)),
    "~": make((pen) => {
      slant(pen, 8, 0);
      slant(pen, 0, 8);
    }),
  };
}
