// What goes on: a measurement or a replay, from the tap that begins it to the way back.

import { refusal } from "./support.js";
import { $, announce, say, status, sure } from "./tell.js";
import { megabytes } from "./units.js";
import { Wake } from "./wake.js";

const SIZE_MS = 10_000; // between two looks at how long a recording has grown
const LOST = ["backing_off", "stopped"];
const WORDS = {
  scanning: "connecting", connecting: "connecting", setting_up: "connecting",
  waiting: "measuring", streaming: "measuring",
  backing_off: "connection lost", stopped: "stopped",
};

/** One at a time; `can`: whether this browser reaches a strap at all. */
export class Session {
  #what = null; // null, "measuring", "ended" or "replaying"
  #greeted = false; // what the worker says is of this one, and no longer of the one before
  #wanted = false; // a recording, of which nothing was heard yet
  #writes = false;
  #recording = null; // the name of what is written
  #size = null;
  #timer = null;
  #leaving = null;
  #awake = ""; // whether the screen stays on

  constructor({ calls, board, radio, saved, described, can }) {
    Object.assign(this, { calls, board, radio, saved, described, can });
    this.wake = new Wake((words) => {
      this.#awake = words;
      this.#hint(`${words} Keep this page open.`);
    });
    calls.addEventListener("text", ({ detail }) => this.#text(detail));
    calls.addEventListener("frame", ({ detail }) => this.#frame(detail));
    calls.addEventListener("ask", ({ detail }) => radio.take(detail));
    $("begin").addEventListener("submit", (event) => {
      event.preventDefault();
      this.measure();
    });
    $("stop").addEventListener("click", () => this.stop());
    document.addEventListener("visibilitychange", () => this.#seen());
    window.addEventListener("popstate", () => this.#back());
    window.addEventListener("beforeunload", (event) => this.#what === "measuring" && event.preventDefault());
    navigator.bluetooth?.addEventListener?.("availabilitychanged", () => this.#radio());
  }

  /** Whether a reload would end something. */
  get busy() {
    return this.#what === "measuring" || this.#what === "replaying";
  }

  /** All is there: it can begin. */
  ready() {
    status("open", "ready");
    $("begin").hidden = !this.can;
    if (this.can) this.#radio();
    announce("Ready.");
  }

  /** Let a person choose a strap, and measure until it is stopped. */
  async measure() {
    let name;
    try {
      name = await this.radio.choose(this.described.chooser);
    } catch (error) {
      return this.#refused(error);
    }
    await this.#leaving; // what ends later must not pass for the end of this one
    const record = $("keep").checked;
    this.#wanted = record;
    this.#enter("measuring", `ECG of ${name || "the strap"}`);
    this.wake.want();
    if (record) this.saved.persist();
    this.#timer = setInterval(() => this.#weigh(), SIZE_MS);
    await this.#run("connect", { name, record });
  }

  async #refused(error) {
    const { name, message } = error;
    say(refusal(error, await available()) ?? await this.calls.call("explain", { name, message }));
  }

  /** Play a recording as fast as it goes, and let it be looked through. */
  async replay(name, title) {
    this.#enter("replaying", `Replay of ${title}`);
    await this.#run("replay", { name });
  }

  /** End what goes on; what has ended is left. */
  async stop() {
    if (this.#what !== "measuring") return this.leave();
    $("stop").disabled = true;
    try {
      await this.calls.call("disconnect");
    } catch (error) {
      say(error.message);
    }
    await this.#ended();
  }

  /** Back to the start, by the button or by the phone's own way back. */
  leave() {
    if (history.state?.shown) history.back();
    else this.#left();
  }

  /** The worker is gone. */
  died() {
    if (this.#what) this.#ended();
    $("begin").hidden = true;
  }

  async #run(call, given) {
    try {
      await this.calls.call(call, given);
    } catch (error) {
      if (!this.#what) return; // it was left meanwhile
      if (this.#what === "measuring") await this.#ended();
      if (!this.board.size) this.leave(); // there is nothing to look at
      say(error.message);
    }
  }

  #enter(what, title) {
    say("");
    this.board.greet({ wearables: [], can_mark: false, speed: 1 });
    this.#what = what;
    this.#greeted = false;
    this.#recording = this.#size = null;
    this.#writes = false;
    $("start").hidden = true;
    $("shown").hidden = false;
    $("shown-title").textContent = title;
    document.body.dataset.view = "shown";
    document.body.dataset.connection = "";
    $("stop").disabled = false;
    status("idle", what === "measuring" ? "connecting" : "replay");
    this.#hint("");
    this.#bar();
    if (!history.state?.shown) history.pushState({ shown: true }, "");
    window.scrollTo(0, 0);
    $("shown-title").focus();
  }

  async #ended() {
    if (this.#what !== "measuring") return this.#bar();
    this.#what = "ended";
    clearInterval(this.#timer);
    this.wake.release();
    $("stop").disabled = false;
    status("idle", "ended");
    this.#hint("");
    await this.#weigh();
    announce("The measurement has ended.");
  }

  #left() {
    if (this.#what === "replaying") this.#leaving = this.calls.call("disconnect").catch(() => {});
    this.#what = null;
    this.board.greet({ wearables: [], can_mark: false, speed: 1 });
    $("shown").hidden = true;
    $("start").hidden = false;
    document.body.dataset.view = "start";
    document.body.dataset.connection = "";
    status("open", "ready");
    this.#bar();
    this.saved.refresh();
    (this.can ? $("connect") : $("saved-title")).focus();
  }

  /** The phone's way back: out of a replay at once, out of a measurement if that is meant. */
  async #back() {
    if (history.state?.shown || this.#what === null) return;
    if (this.#what !== "measuring") return this.#left();
    history.pushState({ shown: true }, "");
    if (await sure("End the measurement?", "Disconnect")) await this.stop();
  }

  #text(message) {
    if (message.type === "hello") this.#hello(message);
    else if (message.type === "ended") this.#over(message);
    else if (message.type === "recording") this.#records(message);
    else this.board.take(message);
    if (message.type === "state") this.#state(message);
  }

  #hello(message) {
    this.#greeted = true;
    this.board.greet(message);
  }

  /** It has ended, by itself if there are words. */
  #over({ words }) {
    if (!this.#greeted) return;
    if (words && this.#what) say(words);
    this.#ended();
  }

  /** What is written has a name; without one nothing is written any more, because of something if there are words. */
  #records({ name, words }) {
    if (words) say(words);
    if (name) this.#recording = name;
    this.#wanted = false;
    this.#writes = Boolean(name);
    this.#weigh();
  }

  #state({ link, ended }) {
    if (this.#what !== "measuring" || !this.#greeted) return;
    if (ended) return this.#ended();
    const lost = LOST.includes(link.state);
    document.body.dataset.connection = lost ? "lost" : "";
    this.#hint(lost ? "It connects again by itself." : `${this.#awake} Keep this page open.`);
    const words = WORDS[link.state] ?? "connecting";
    status(lost ? "lost" : words === "measuring" ? "open" : "idle", words);
  }

  #frame(buffer) {
    if (document.hidden) return; // the trace begins again with what is now
    const wrong = this.board.frame(buffer);
    if (wrong) say(`The page cannot read what its worker sends (${wrong}): reload it.`);
  }

  #seen() {
    if (document.hidden || !this.#what) return;
    this.board.wake();
    this.calls.call("now").catch((error) => say(error.message));
  }

  async #weigh() {
    if (this.#recording) {
      const all = await this.calls.call("recordings").catch(() => []);
      this.#size = all.find((one) => one.name === this.#recording)?.bytes ?? this.#size;
    }
    this.#bar();
  }

  #bar() {
    $("bar").hidden = this.#what === null;
    const size = this.#size === null ? "" : `, ${megabytes(this.#size)}`;
    const words = {
      measuring: this.#writes ? `Recording${size}` : this.#wanted ? "Will be recorded" : "Not recorded",
      ended: this.#recording ? `Ended. Recording kept${size}` : "Ended. Nothing was recorded",
      replaying: $("shown-title").textContent,
    };
    $("bar-words").textContent = words[this.#what] ?? "";
    $("bar-words").dataset.what = this.#what === "measuring" && this.#writes ? "recording" : "";
    $("stop").textContent = this.#what === "measuring" ? "Disconnect" : "Back";
  }

  #hint(words) {
    if ($("bar-hint").textContent !== words) $("bar-hint").textContent = words;
  }

  async #radio() {
    $("off").textContent = (await available()) ? "" : "Bluetooth is off: switch it on.";
  }
}

/** Whether there is a radio that is on; who cannot tell says yes. */
async function available() {
  return (await navigator.bluetooth?.getAvailability?.().catch(() => true)) ?? true;
}
