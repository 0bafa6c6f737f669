// The cards of all wearables, and the clock that draws them: messages in, pictures out.

import { Card } from "./card.js";
import { FrameError, decode } from "./frames.js";

// From a picture until the next may be asked for: every second one of a usual screen, where the trace moves 3 px.
// Thirty in a second look as smooth on paper of 25 mm/s as sixty, and cost half of them.
const REST_MS = 20;
const STEP_MS = 1000; // for those who want no motion
// A replay in a hurry, or a link that hands over what it had kept: more than a second goes by between two pictures,
// nobody can read it, and five in a second tell as much.
const HURRY_S = 1;
const HURRY_MS = 200;

/** What a hub tells of, on a page. */
export class Board {
  #cards = new Map();
  #drawing = false;
  #hurries = false;
  #steady = matchMedia("(prefers-reduced-motion: reduce)");

  /**
   * @param {HTMLElement} where the cards go
   * @param {object} asks what a card asks for: `mark(wearable, text)` and `strip(wearable, start_s, seconds)`,
   *   which gives a strip as the hub does; both promise, and fail with a sentence for the person who asked
   * @param {(words: string) => void} announce to those who do not see the page
   */
  constructor(where, asks, announce) {
    Object.assign(this, { where, asks, announce });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#each("resize"));
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) return;
      this.#each("seen");
      this.#start();
    });
  }

  /** Who is there: `hello`, the hub's first message. */
  greet({ wearables, can_mark: canMark, speed }) {
    for (const id of [...this.#cards.keys()].filter((id) => !wearables.some((w) => w.id === id))) {
      this.#cards.get(id).remove();
      this.#cards.delete(id);
    }
    for (const { id, name } of wearables) {
      if (!this.#cards.has(id)) this.#cards.set(id, new Card(id, this.where, this.asks, this.announce));
      this.#cards.get(id).greet({ name, canMark, speed: Number.isFinite(speed) && speed > 0 ? speed : 1 });
    }
    this.where.dataset.count = this.#cards.size;
  }

  /** How many cards there are. */
  get size() {
    return this.#cards.size;
  }

  /** Any other message of the hub: `state`, `log` or `timeline`. */
  take(message) {
    const card = this.#cards.get(message.wearable);
    if (message.type === "state") card?.state(message);
    else if (message.type === "log") card?.log(message.lines);
    else if (message.type === "timeline") card?.timeline(message);
    this.#start(); // a verdict may shade what is drawn already, with no signal to come
  }

  /**
   * A frame of signal.
   *
   * @param {ArrayBuffer} buffer
   * @returns {string|null} what is wrong with it, if it cannot be read
   */
  frame(buffer) {
    try {
      const frame = decode(buffer);
      this.#cards.get(frame.wearable)?.frame(frame, performance.now() / 1000);
    } catch (error) {
      if (error instanceof FrameError) return error.message;
      throw error;
    }
    this.#start();
    return null;
  }

  /** What comes now stands for itself: the hub may have begun anew. */
  restart() {
    this.#each("restart");
  }

  /** The page was away: the trace begins again with what comes. */
  wake() {
    this.#each("wake");
  }

  #each(what) {
    for (const card of this.#cards.values()) card[what]();
  }

  /** Pictures are drawn while there is something to draw. */
  #start() {
    if (this.#drawing || document.hidden) return;
    this.#drawing = true;
    const next = () => requestAnimationFrame((now) => this.#draw(now));
    setTimeout(next, this.#steady.matches ? STEP_MS : this.#hurries ? HURRY_MS : REST_MS);
  }

  #draw(now) {
    this.#drawing = false;
    let more = false;
    let most = 0;
    for (const card of this.#cards.values()) {
      const before = card.shown;
      more = card.draw(now / 1000, this.#steady.matches) || more;
      most = Math.max(most, card.shown - before);
    }
    this.#hurries = most > HURRY_S;
    if (more) this.#start();
  }
}
