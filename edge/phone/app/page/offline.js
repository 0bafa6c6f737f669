// The app on this phone: fetched once, then there without internet. The service worker does it; this tells the page.

const BROKEN_OFF = "The download broke off: try again, and it goes on where it was.";
const TOLD_MS = 500; // its own words come first

/**
 * Events: `progress` (detail: `{bytes, of}`), `update`: a new version is here as a whole, `changed`: another version
 * has taken over.
 */
export class Offline extends EventTarget {
  #container = navigator.serviceWorker;
  #failed = null;

  /**
   * Have all files on this phone.
   *
   * @returns {Promise<{words: string, whole?: boolean}|null>} null if so; else why not, and whether the app that was
   *   fetched can be trusted to be whole
   */
  async ready() {
    if (!this.#container) return { words: "this browser keeps no pages, in a private window perhaps." };
    const failed = new Promise((resolve) => { this.#failed = resolve; });
    const controlled = this.#container.controller !== null;
    this.#container.addEventListener("message", ({ data }) => this.#hear(data));
    let registration;
    try {
      registration = await this.#container.register("service-worker.js", { type: "module", updateViaCache: "none" });
    } catch (error) {
      // Without internet the one that is there goes on; its script could not be compared, no more.
      if (controlled) return null;
      return { words: `the browser did not keep the app (${error.message}).` };
    }
    this.registration = registration;
    this.#watch(registration);
    if (controlled) return null;
    // A page that was reloaded with Shift is not served by the worker that is there.
    registration.active?.postMessage("claim");
    return Promise.race([failed, this.#controlled()]);
  }

  /** Let the version that waits take over; `changed` follows. */
  update() {
    this.registration?.waiting?.postMessage("take over");
  }

  async #controlled() {
    if (!this.#container.controller) {
      await new Promise((resolve) => this.#container.addEventListener("controllerchange", resolve, { once: true }));
    }
    return null;
  }

  #watch(registration) {
    let served = this.#container.controller !== null;
    this.#container.addEventListener("controllerchange", () => {
      if (served) this.dispatchEvent(new Event("changed"));
      served = true;
    });
    const installed = (worker) => {
      if (worker?.state === "installed" && registration.active) this.dispatchEvent(new Event("update"));
      // A browser ends one that takes minutes, and it cannot say so itself.
      if (worker?.state === "redundant") setTimeout(() => this.#failed({ words: BROKEN_OFF, whole: false }), TOLD_MS);
    };
    const installing = () => {
      const worker = registration.installing;
      worker?.addEventListener("statechange", () => installed(worker));
    };
    registration.addEventListener("updatefound", installing);
    installing();
    installed(registration.waiting);
  }

  #hear(data) {
    if (data.type === "progress") this.dispatchEvent(new CustomEvent("progress", { detail: data }));
    if (data.type === "failed") this.#failed({ words: data.words, whole: data.whole });
  }
}
