// Keeps the screen on, as far as the browser lets a page do that.

/** A wish for a screen that stays on; the browser drops it with each page that is hidden, and is asked again. */
export class Wake {
  #lock = null;
  #wanted = false;

  /** @param {(words: string) => void} tell what is so now */
  constructor(tell) {
    this.tell = tell;
    document.addEventListener("visibilitychange", () => this.#ask());
  }

  want() {
    this.#wanted = true;
    return this.#ask();
  }

  async release() {
    this.#wanted = false;
    await this.#lock?.release();
    this.#lock = null;
  }

  async #ask() {
    if (!this.#wanted || document.hidden || (this.#lock && !this.#lock.released)) return;
    if (!navigator.wakeLock) {
      return this.tell("This browser cannot keep the screen on: set the phone's screen timeout to its longest.");
    }
    try {
      this.#lock = await navigator.wakeLock.request("screen");
      if (!this.#wanted) return this.release();
      // A phone that runs low takes it back while the page is looked at.
      this.#lock.addEventListener("release", () => this.#ask());
      this.tell("The screen stays on.");
    } catch {
      // Battery saving, for example; it is asked again when the page is looked at again.
      this.tell("The phone does not let the page keep the screen on: touch it now and then, or set a longer timeout.");
    }
  }
}
