// One wearable: its numbers, its trace, its past. All words come from the server; this puts them in place.

import { clock } from "./draw/axis.js";
import { Playout } from "./draw/playout.js";
import { Ring } from "./draw/ring.js";
import { Sweep } from "./draw/sweep.js";
import { part } from "./parts.js";
import { Past } from "./past.js";

const LOG_LINES = 20;
const SAME_CLOCK_S = 2; // the start is told anew with each block, and moves a little with each

/** A card; it lives as long as the page. */
export class Card {
  /**
   * @param {number} id @param {HTMLElement} where @param {object} asks see Board
   * @param {(words: string) => void} announce
   */
  constructor(id, where, asks, announce) {
    Object.assign(this, { id, asks, announce, lines: [], start: null, now: 0, said: {}, speed: 1, quality: null });
    this.root = part("card");
    this.parts = {};
    for (const element of this.root.querySelectorAll("[data-is]")) this.parts[element.dataset.is] = element;
    this.root.dataset.wearable = id;
    where.append(this.root);
    this.playout = new Playout();
    this.sweep = new Sweep(this.parts);
    this.past = new Past(id, this.parts, asks, announce);
    this.parts.mark.addEventListener("submit", (event) => this.#mark(event));
    this.watch = new ResizeObserver(() => this.resize());
    for (const name of ["trace", "timeline", "trend"]) this.watch.observe(this.parts[name]);
    // A phone takes the graphics memory of a page that nobody looks at: what was drawn once is gone then.
    for (const canvas of this.root.querySelectorAll("canvas")) {
      canvas.addEventListener("contextrestored", () => this.resize());
    }
  }

  /** The server tells who it is. */
  greet({ name, canMark, speed }) {
    this.name = name;
    this.speed = speed;
    this.#set("name", name);
    this.canMark = canMark;
    this.parts.mark.hidden = !canMark;
    const [label, input] = [this.parts["mark-label"], this.parts.mark.elements.text];
    input.id = `mark-${this.id}`;
    label.htmlFor = input.id;
    this.past.name(name);
  }

  /** A connection has begun, and its server may have begun anew: what comes now stands for itself. */
  restart() {
    Object.assign(this, { said: {}, lines: [], start: null });
    this.past.restart();
    this.wake();
  }

  /** Gone for good; what it drew on is let go of at once: a canvas is memory that no collector sees. */
  remove() {
    this.watch.disconnect();
    for (const canvas of this.root.querySelectorAll("canvas")) canvas.width = canvas.height = 0;
    this.past.remove();
    this.root.remove();
  }

  /** The page was away: the trace begins again with the last seconds, which the server sends. */
  wake() {
    this.ring?.clear();
    this.sweep.clear();
    this.playout.reset();
  }

  /** The page is looked at again: what moves slowly was not drawn meanwhile. */
  seen() {
    this.past.draw();
  }

  resize() {
    this.sweep.resize();
    this.past.resize();
    if (this.drawn !== undefined) this.sweep.draw(this.drawn);
  }

  /** Take a decoded frame, at a time of a steady clock in seconds. */
  frame({ first, fs, mv, beats }, now) {
    if (this.ring?.fs !== fs) {
      this.ring = new Ring(fs);
      this.sweep.show(this.ring);
    }
    this.ring.put(first, mv);
    if (mv.length) this.playout.arrive(now * this.speed, (first + mv.length - 1) / fs);
    for (const beat of beats) this.sweep.mark(beat);
    this.past.follow(this.ring.end / fs);
  }

  /** Up to which time of the stream is drawn, in seconds. */
  get shown() {
    return this.drawn === undefined ? 0 : this.drawn / this.ring.fs;
  }

  /** Draw what it is time for; return whether there is more to come. */
  draw(now, steady) {
    const shown = this.playout.at(now * this.speed);
    if (shown === null) return false;
    const at = steady ? Math.floor(shown) : shown;
    this.drawn = Math.floor(at * this.ring.fs + 1e-6);
    this.sweep.draw(this.drawn);
    return !this.playout.done;
  }

  state(state) {
    this.now = state.now_s;
    if (state.start_unix_s === null || this.start === null
      || Math.abs(state.start_unix_s - this.start) > SAME_CLOCK_S) this.#starts(state.start_unix_s);
    this.#set("rate", state.heart_rate ?? "–");
    this.parts.rate.dataset.none = state.heart_rate === null;
    this.#rhythm(state.rhythm, state.quality);
    this.#gate(state.quality);
    this.#facts(state);
    this.parts.mark.hidden = !this.canMark || state.ended;
    this.#describe(state);
    this.past.now(this.now, this.start, state.ended);
    this.quality = state.quality;
    this.#shade();
  }

  #shade() {
    this.sweep.shade(this.past.refused(this.quality));
  }

  #starts(start) {
    if (start === this.start) return;
    this.start = start;
    this.#showLog();
  }

  #rhythm(rhythm, quality) {
    const part = this.parts.rhythm;
    part.dataset.label = rhythm ? (rhythm.sinus ? "N" : rhythm.label) : "";
    // What was told before the signal became too noisy may hold no more.
    part.dataset.old = Boolean(rhythm && quality && !quality.accepted);
    if (!rhythm) {
      this.#set("rhythm", "not yet: 10 s of usable signal first");
      return this.#set("sure", "");
    }
    this.#set("rhythm", rhythm.words);
    this.#set("sure", `${Math.round(100 * rhythm.sure)} % sure · at ${clock(rhythm.at_s, this.start)}`);
    this.#announceOnce("rhythm", rhythm.words);
  }

  #gate(quality) {
    this.parts.gate.dataset.accepted = quality ? quality.accepted : "";
    this.#set("gate", quality ? quality.words : "");
    if (quality) this.#announceOnce("gate", quality.accepted ? "" : quality.words, "signal usable again");
  }

  /** The first word is only told where it is news: of what comes after, each change. */
  #announceOnce(what, words, instead) {
    const before = this.said[what];
    this.said[what] = words;
    if (before === words || (before === undefined && !words)) return;
    this.announce(`${this.name}: ${words || instead}`);
  }

  #facts({ link, hrv, missed, ended }) {
    const drift = link.drift_ppm;
    const hrvWords = hrv && [
      `RMSSD ${Math.round(hrv.rmssd_ms)} ms`,
      ...(hrv.sdnn_ms === null ? [] : [`SDNN ${Math.round(hrv.sdnn_ms)} ms`]),
    ].join(" · ");
    this.#set("hrv", hrv ? `${hrvWords} · ${Math.round(hrv.minutes)} min` : "not yet");
    this.#set("link", ended ? "ended" : link.words);
    this.#set("state", ended ? "the stream has ended" : link.words || "–");
    this.parts.link.dataset.state = ended ? "ended" : link.state;
    this.root.dataset.ended = ended;
    this.#set("lost", link.lost ? `${link.lost} samples` : "nothing");
    this.#set("battery", link.battery === null ? "–" : `${link.battery} %`);
    this.#set("drift", drift === null ? "–" : `${drift > 0 ? "+" : ""}${drift.toFixed(0)} ppm`);
    this.#set("missed", missed ? `${missed} frames` : "nothing");
  }

  #describe({ heart_rate: rate, rhythm, quality }) {
    const words = [
      `ECG of ${this.name}, sweeping at 25 mm a second and 10 mm a millivolt`,
      rate === null ? null : `${rate} beats a minute`,
      rhythm?.words,
      quality?.accepted === false ? quality.words : null,
    ].filter(Boolean).join("; ");
    if (this.described !== words) this.parts.trace.setAttribute("aria-label", words);
    this.described = words;
  }

  log(lines) {
    const known = new Set(this.lines.map((line) => JSON.stringify(line)));
    this.lines.push(...lines.filter((line) => !known.has(JSON.stringify(line))));
    this.lines.splice(0, this.lines.length - LOG_LINES);
    this.#showLog();
  }

  #showLog() {
    this.parts.log.replaceChildren(...this.lines.toReversed().map(({ at_s, kind, words }) => {
      const line = document.createElement("li");
      const time = document.createElement("time");
      line.dataset.kind = kind;
      time.textContent = clock(at_s, this.start);
      line.append(time, ` ${words}`);
      return line;
    }));
  }

  timeline(message) {
    this.past.merge(message);
    this.#shade();
  }

  async #mark(event) {
    event.preventDefault();
    const input = this.parts.mark.elements.text;
    try {
      await this.asks.mark(this.id, input.value);
      input.value = "";
      this.#set("said", `Marked at ${clock(this.now, this.start)}.`);
    } catch (error) {
      this.#set("said", error.message);
    }
  }

  /** Text that has not changed is left alone: the browser would lay the page out anew. */
  #set(part, words) {
    const text = String(words);
    if (this.parts[part].textContent !== text) this.parts[part].textContent = text;
  }
}
