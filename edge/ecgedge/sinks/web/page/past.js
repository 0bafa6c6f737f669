// The past of one wearable: timeline, trend, and a strip of the place that somebody picked.

import { clock, span } from "./draw/axis.js";
import { drawStrip } from "./draw/strip.js";
import { LABELS, Timeline } from "./draw/timeline.js";
import { Trend } from "./draw/trend.js";
import { empty, merged } from "./draw/history.js";

const SHOWN_S = [600, 3600, 21600, 86400];
const STRIP_S = 10;
const EVERY_S = 5; // of the stream, between two pictures of what moves slowly
const REST_MS = 250; // from one of them to the next, however fast the stream comes: as often as the figures

/** What lies behind a card's trace; `parts` are the elements of the card, `asks` gives strips (see Board). */
export class Past {
  constructor(id, parts, asks, announce) {
    Object.assign(this, { id, parts, asks, announce, start: null, end: 0, drawn: -Infinity, chosen: null });
    Object.assign(this, { at: -Infinity, timer: null });
    this.history = empty();
    this.band = new Timeline(parts.timeline, parts.band, (at) => this.#pick(at));
    this.trend = new Trend(parts.trend);
    parts.close.addEventListener("click", () => this.#close());
    parts.strip.addEventListener("keydown", (event) => event.key === "Escape" && this.#close());
    this.#choices();
  }

  name(name) {
    this.parts.timeline.setAttribute("aria-label", `Rhythm of ${name} over time; Enter shows the ECG there`);
  }

  /** How long to show: what somebody chose, else the shortest that holds all. */
  get length() {
    return this.chosen ?? SHOWN_S.find((length) => length >= this.end) ?? SHOWN_S.at(-1);
  }

  #choices() {
    for (const length of SHOWN_S) {
      const label = document.createElement("label");
      const radio = document.createElement("input");
      Object.assign(radio, { type: "radio", name: `span-${this.id}`, value: length });
      radio.addEventListener("change", () => {
        this.chosen = length;
        this.draw();
      });
      label.append(radio, span(length));
      this.parts.spans.append(label);
    }
  }

  /** Another stream may be shorter. */
  restart() {
    this.end = 0;
  }

  resize() {
    if (!this.parts.past.offsetParent) return; // hidden in a ward's tile: opened, it gets its size
    this.band.resize();
    this.trend.resize();
    this.draw();
    if (this.strip) drawStrip(this.#canvases, this.strip);
  }

  remove() {
    clearTimeout(this.timer);
    this.trend.remove();
  }

  merge(message) {
    this.history = merged(this.history, message);
    this.band.history = this.history; // who picks a place is told what is known, drawn or not
    this.#due();
  }

  now(now, start, ended) {
    this.start = start;
    this.follow(now);
    if (ended && this.drawn !== this.end) this.draw(); // nothing comes that would do it
  }

  /** The stream has come to a time. */
  follow(end) {
    this.end = Math.max(this.end, end);
    if (Math.abs(end - this.drawn) >= EVERY_S) this.#due();
  }

  /** Draw now, or when somebody could tell it from the last picture. */
  #due() {
    const rest = this.at + REST_MS - performance.now();
    if (rest <= 0) this.draw();
    else this.timer ??= setTimeout(() => this.draw(), rest);
  }

  draw() {
    clearTimeout(this.timer);
    Object.assign(this, { timer: null, at: performance.now() });
    if (!this.parts.past.offsetParent) return;
    if (document.hidden) return; // who looks again gets all of it
    this.drawn = this.end;
    const from = Math.max(0, this.end - this.length);
    const to = Math.max(this.end, this.chosen === null ? 60 : Math.min(this.length, 60));
    this.band.show(this.history, from, to, this.start);
    this.trend.show(this.history, from, to, this.start);
    for (const radio of this.parts.spans.querySelectorAll("input")) {
      radio.checked = Number(radio.value) === this.length;
    }
  }

  /** Stretches that the gate refused, in seconds; the last verdict holds until there is another. */
  refused(quality) {
    const spans = this.history.spans.filter((s) => s.label === "~").slice(-12)
      .map((s) => [s.start_s, s.end_s]);
    if (quality?.accepted !== false) return spans;
    const last = spans.at(-1);
    const goesOn = last && last[1] === this.history.spans.at(-1).end_s;
    return goesOn ? [...spans.slice(0, -1), [last[0], Infinity]] : [...spans, [this.end, Infinity]];
  }

  get #canvases() {
    return {
      paper: this.parts["strip-paper"], trace: this.parts["strip-trace"], box: this.parts["strip-box"],
    };
  }

  async #pick(at) {
    const start = Math.max(0, at - STRIP_S / 2);
    const told = await this.asks.strip(this.id, start, STRIP_S).catch((error) => ({ failed: error.message }));
    this.strip = told.failed ? null : told;
    const words = told.failed ?? told.words ?? LABELS[this.band.label(at)];
    const title = [clock(start, this.start), words].filter(Boolean).join(" · ");
    this.#show(title);
  }

  #show(title) {
    this.parts.strip.hidden = false;
    this.parts["strip-title"].textContent = title;
    this.parts["strip-scroll"].hidden = !this.strip;
    if (this.strip) drawStrip(this.#canvases, this.strip);
    this.parts["strip-trace"].setAttribute("aria-label", `ECG strip of ${STRIP_S} s from ${title}`);
    this.announce(this.strip ? `ECG from ${title}` : title);
  }

  #close() {
    this.strip = null;
    this.parts.strip.hidden = true;
    this.parts.timeline.focus();
  }
}
