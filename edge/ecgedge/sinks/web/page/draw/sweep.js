// A trace that sweeps over ECG paper as on a bedside monitor: new signal writes over old, behind a bar.
//
// Each picture draws only the samples that are new. Whatever changes what is drawn already (another size,
// another colour, a verdict on signal that has gone by) makes the next picture a whole one.
//
// Places are counted in pixels of one endless line, 25 mm for each second; the screen is cut out of it, row
// by row. A narrow screen has two rows: a beat is named up to four seconds after it happened, and one row of
// a phone has gone by until then.

import { PX_PER_MM, PX_PER_MV, PX_PER_S, colours, drawPaper, fit, hatch } from "./paper.js";

const BAR_PX = 5 * PX_PER_MM; // the bar that wipes: a big square
const LEAST_S = 6; // of signal on the screen
const MOST_ROWS = 3;
const LANE_PX = 24; // above each row, for the letters of beats
const ZERO = 0.62; // where the line lies, from the top: R waves need more room than S waves
const OFF_MV = 0.4; // the trace moves up or down as a whole, when its line lies so far off
const LINE_S = 3; // of signal that tell where its line lies: three beats at least
const UNNAMED = "·";

/** Where a sample lies on a screen of rows: `x` in CSS pixels from the left, `row` from the top. */
export function place(sample, fs, width, rows) {
  const along = (sample / fs) * PX_PER_S;
  const row = Math.floor(along / width);
  return { x: along - row * width, row: row % rows };
}

/** A stretch of the endless line as pieces that lie in one row each. */
export function pieces(from, to, width, rows) {
  const found = [];
  for (let row = Math.floor(from / width); row * width < to; row++) {
    const [a, b] = [Math.max(from, row * width), Math.min(to, (row + 1) * width)];
    if (a < b) found.push({ row: row % rows, from: a, to: b, shift: row * width });
  }
  return found;
}

/** One trace; give it a ring of samples, and tell it up to where to draw. */
export class Sweep {
  /**
   * @param {{screen: HTMLElement, trace: HTMLCanvasElement, paper: HTMLCanvasElement, letters: HTMLElement}}
   *   parts the screen holds the others, each as large as itself; how high `rows` are is the style sheet's
   */
  constructor({ screen, trace, paper, letters }) {
    Object.assign(this, { screen, trace, paper, letters, ring: null, base: NaN, shaded: [], beats: [] });
    this.resize();
  }

  /** Take on a size, colours and scale anew. */
  resize() {
    this.rows = Math.min(MOST_ROWS, Math.max(1, Math.ceil((LEAST_S * PX_PER_S) / this.trace.clientWidth)));
    this.screen.dataset.rows = this.rows;
    Object.assign(this, fit(this.trace));
    this.tall = this.height / this.rows;
    this.zero = Math.round(LANE_PX + (this.tall - LANE_PX) * ZERO);
    this.ink = colours(this.trace, "trace", "refused", "lost", "hatch");
    this.hatching = hatch(this.context, this.ink.hatch, this.dots);
    drawPaper(this.paper, this.rows, LANE_PX, this.zero);
    this.stale = true;
  }

  /** Show another signal, or the same afresh. */
  show(ring) {
    this.ring = ring;
    this.clear();
  }

  /** Wipe everything. */
  clear() {
    for (const beat of this.beats) beat.letter?.remove();
    this.beats = [];
    this.base = NaN;
    this.stale = true;
    this.context.clearRect(0, 0, this.width, this.height);
  }

  /** Mark a beat with the letter of its class. */
  mark(beat) {
    if (!this.beats.some((b) => b.sample === beat.sample)) this.beats.push({ ...beat, letter: null });
  }

  /** Shade stretches: pairs of times in seconds, of which the last may be open (Infinity). */
  shade(spans) {
    if (JSON.stringify(spans) === JSON.stringify(this.shaded)) return;
    this.shaded = spans;
    this.stale = true;
  }

  /** Samples that the screen shows at once: all but the bar. */
  get span() {
    return Math.floor(((this.rows * this.width - BAR_PX) / PX_PER_S) * this.ring.fs);
  }

  /** Draw up to a sample. */
  draw(last) {
    if (!this.ring || this.width <= BAR_PX || last < this.ring.start) return;
    this.#recentre(last);
    const whole = this.stale || last < this.drawn || last - this.drawn > this.span;
    if (whole) this.#whole(last);
    else if (last > this.drawn) this.#advance(last);
    this.#mark(last, whole);
    this.drawn = last;
    this.stale = false;
  }

  /** The shape is never filtered: where its line wanders off, the whole trace moves. */
  #recentre(last) {
    const second = Math.floor(last / this.ring.fs);
    if (second === this.looked && !Number.isNaN(this.base)) return;
    this.looked = second;
    const line = this.ring.median(last, Math.round(LINE_S * this.ring.fs));
    if (Number.isNaN(line) || Math.abs(line - this.base) <= OFF_MV) return;
    this.base = Math.abs(line) <= OFF_MV ? 0 : line;
    this.stale = true;
  }

  #whole(last) {
    this.context.clearRect(0, 0, this.width, this.height);
    this.#paint(Math.max(this.ring.start, last - this.span), last);
  }

  #advance(last) {
    const from = this.#along(this.drawn) + BAR_PX;
    for (const box of this.#boxes(from, this.#along(last) + BAR_PX)) this.context.clearRect(...box);
    this.#paint(this.drawn, last);
  }

  #along(sample) {
    return (sample / this.ring.fs) * PX_PER_S;
  }

  #pieces(from, to) {
    return pieces(from, to, this.width, this.rows);
  }

  /** What a stretch covers: x, y, width and height of each piece, on whole dots. */
  #boxes(from, to) {
    const snap = (x) => Math.round(x * this.dots) / this.dots;
    return this.#pieces(from, to).map((piece) => {
      const [a, b] = [snap(piece.from - piece.shift), snap(piece.to - piece.shift)];
      return [a, piece.row * this.tall, b - a, this.tall];
    });
  }

  #paint(from, to) {
    for (const [start, end] of this.shaded) {
      const [a, b] = [Math.max(from, start * this.ring.fs), Math.min(to, end * this.ring.fs)];
      if (a < b) this.#fill(a, b, this.ink.refused);
    }
    this.#gaps(from, to);
    this.#stroke(from, to);
  }

  #fill(from, to, style) {
    this.context.fillStyle = style;
    for (const [x, y, width, height] of this.#boxes(this.#along(from), this.#along(to))) {
      this.context.fillRect(x, y + LANE_PX, width, height - LANE_PX);
    }
  }

  /** Where samples are missing, the paper is covered: there is nothing to read. */
  #gaps(from, to) {
    for (let i = from + 1; i <= to; i++) {
      if (!Number.isNaN(this.ring.at(i))) continue;
      const start = i - 1;
      while (i <= to && Number.isNaN(this.ring.at(i))) i++;
      this.#fill(start, Math.min(i, to), this.ink.lost);
      if (this.hatching) this.#fill(start, Math.min(i, to), this.hatching);
    }
  }

  /** Each row by itself: a high wave must not reach into the row above, where nothing would wipe it. */
  #stroke(from, to) {
    const pen = this.context;
    Object.assign(pen, { strokeStyle: this.ink.trace, lineWidth: 1.6, lineJoin: "round", lineCap: "round" });
    for (const piece of this.#pieces(this.#along(from), this.#along(to))) {
      const per = this.ring.fs / PX_PER_S;
      const [first, last] = [Math.floor(piece.from * per + 1e-6), Math.ceil(piece.to * per - 1e-6)];
      pen.save();
      pen.beginPath();
      pen.rect(0, piece.row * this.tall, this.width, this.tall);
      pen.clip();
      this.#line(Math.max(from, first), Math.min(to, last), piece);
      pen.restore();
    }
  }

  #line(from, to, { row, shift }) {
    const pen = this.context;
    const zero = row * this.tall + this.zero;
    let down = false;
    pen.beginPath();
    for (let i = from; i <= to; i++) {
      const y = zero - (this.ring.at(i) - this.base) * PX_PER_MV;
      if (!Number.isNaN(y)) pen[down ? "lineTo" : "moveTo"](this.#along(i) - shift, y);
      down = !Number.isNaN(y);
    }
    pen.stroke();
  }

  /** Letters are text of the page, not of the canvas: sharp, and in the reader's own font. */
  #mark(last, anew) {
    const oldest = last - this.span;
    this.beats = this.beats.filter((beat) => {
      if (beat.sample >= oldest) return true;
      beat.letter?.remove();
      return false;
    });
    for (const beat of this.beats) {
      if (beat.sample > last || (beat.letter && !anew)) continue;
      beat.letter ??= this.#letter(beat.symbol);
      const { x, row } = place(beat.sample, this.ring.fs, this.width, this.rows);
      beat.letter.style.left = `${x.toFixed(1)}px`;
      beat.letter.style.top = `${row * this.tall}px`;
    }
  }

  #letter(symbol) {
    const letter = document.createElement("span");
    letter.className = `beat beat-${symbol || "none"}`;
    letter.textContent = symbol || UNNAMED;
    this.letters.append(letter);
    return letter;
  }
}
