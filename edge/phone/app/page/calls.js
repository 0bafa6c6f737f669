// The worker, in which everything happens that understands a byte: what it is asked, and what it says.

const DIED = "The analysis stopped by itself. What was recorded until then is kept: reload the page.";

/**
 * The worker.
 *
 * Events: `text` (detail: a message of the hub), `frame` (detail: an ArrayBuffer), `ask` (detail: what the link wants
 * of the radio), `died` (detail: a sentence).
 */
export class Calls extends EventTarget {
  #waiting = new Map();
  #last = 0;
  #dead = false;

  /** @param {Worker} worker */
  constructor(worker) {
    super();
    this.worker = worker;
    worker.addEventListener("message", ({ data }) => this.#take(data));
    worker.addEventListener("error", (event) => this.#died(event));
    worker.addEventListener("messageerror", (event) => this.#died(event));
  }

  /** Ask for something; what comes back is a promise, which fails with a sentence for a person. */
  call(what, args = {}) {
    if (this.#dead) return Promise.reject(new Error(DIED));
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, call: what, args });
    });
  }

  /** Say something that has no answer. */
  tell(message, transfer = []) {
    this.worker.postMessage(message, transfer);
  }

  #take(data) {
    if ("news" in data) return this.#news(data.news);
    if ("ask" in data) return this.#dispatch("ask", data);
    const waiting = this.#waiting.get(data.id);
    this.#waiting.delete(data.id);
    if ("error" in data) waiting?.reject(new Error(data.error));
    else waiting?.resolve(data.result);
  }

  #news(news) {
    if (typeof news === "string") this.#dispatch("text", JSON.parse(news));
    else this.#dispatch("frame", news);
  }

  #died(event) {
    event.preventDefault();
    this.#dead = true;
    for (const { reject } of this.#waiting.values()) reject(new Error(DIED));
    this.#waiting.clear();
    this.#dispatch("died", DIED);
  }

  #dispatch(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
