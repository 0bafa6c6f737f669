// The recordings on this phone: what there is, and what can be done with each.

import { $, say, sure } from "./tell.js";
import { duration, megabytes, moment } from "./units.js";

const LINK_MS = 60_000; // a download has begun by then
const OCTETS = "application/octet-stream";

/** The list, and the files behind it. */
export class Saved {
  #all = [];

  /** @param {object} calls @param {(name: string, title: string) => void} onReplay */
  constructor(calls, onReplay) {
    Object.assign(this, { calls, onReplay });
    $("open").addEventListener("change", (event) => this.#doing(() => this.#open(event.target)));
    $("delete-all").addEventListener("click", () => this.#doing(() => this.#removeAll()));
  }

  /** Show what there is. */
  async refresh() {
    await this.#doing(async () => {
      this.#all = await this.calls.call("recordings"); // the newest first
      $("saved").replaceChildren(...this.#all.map((one) => this.#row(one)));
      $("none").hidden = this.#all.length > 0;
      $("delete-all").hidden = this.#all.length < 2;
      await this.#room();
    });
  }

  /** Ask the browser to keep what is stored, even when the phone runs short of space. */
  async persist() {
    await navigator.storage?.persist?.().catch(() => false);
  }

  #row(recording) {
    const row = $("recording").content.firstElementChild.cloneNode(true);
    const parts = {};
    for (const element of row.querySelectorAll("[data-is]")) parts[element.dataset.is] = element;
    const { name, bytes, start_unix_s: start, seconds, device, words } = recording;
    const title = device || name;
    parts.name.textContent = title;
    const facts = [start ? moment(start) : name, seconds ? duration(seconds) : null, megabytes(bytes)];
    parts.facts.textContent = facts.filter(Boolean).join(" · ");
    parts.words.textContent = words ?? "";
    for (const [part, does] of [
      ["replay", () => this.onReplay(name, title)],
      ["download", () => this.#download(name)],
      ["share", () => this.#share(name)],
      ["remove", () => this.#remove(recording)],
    ]) {
      parts[part].setAttribute("aria-label", `${parts[part].textContent} ${title}, ${facts[0]}`);
      parts[part].addEventListener("click", () => this.#doing(does));
    }
    parts.share.hidden = !shares(name);
    return row;
  }

  async #download(name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await this.calls.call("take", { name }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), LINK_MS);
  }

  async #share(name) {
    const file = await this.calls.call("take", { name });
    try {
      await navigator.share({ files: [new File([file], name, { type: OCTETS })], title: name });
    } catch (error) {
      if (error.name !== "AbortError") throw new Error("The phone did not share it: download it instead.");
    }
  }

  async #remove({ name, bytes, device }) {
    const words = `Delete the recording of ${device || name} (${megabytes(bytes)})? There is no copy of it.`;
    if (!await sure(words, "Delete")) return;
    await this.calls.call("remove", { name });
    await this.refresh();
    $("saved-title").focus();
  }

  async #removeAll() {
    const words = `Delete all ${this.#all.length} recordings on this phone? There is no copy of them.`;
    if (!await sure(words, "Delete all")) return;
    await this.calls.call("removeAll");
    await this.refresh();
    $("saved-title").focus();
  }

  async #open(input) {
    const [file] = input.files;
    if (!file) return;
    input.value = ""; // the same file may be chosen again
    await this.calls.call("open", { name: file.name, file });
    await Promise.all([this.persist(), this.refresh()]);
  }

  async #room() {
    const { usage } = (await navigator.storage?.estimate?.().catch(() => null)) ?? {};
    const kept = await navigator.storage?.persisted?.().catch(() => false);
    const recordings = this.#all.reduce((sum, one) => sum + one.bytes, 0);
    const all = megabytes(Math.max(usage ?? 0, recordings));
    const words = usage === undefined ? [] : [`The app and its recordings take ${all}.`];
    if (this.#all.length) {
      words.push(kept ? "The browser keeps them until you delete them."
        : "The browser may delete them when the phone runs short of space: download what matters.");
    }
    $("room").textContent = words.join(" ");
  }

  /** Whatever goes wrong is said. */
  async #doing(what) {
    try {
      await what();
    } catch (error) {
      say(error.message);
    }
  }
}

/** Whether the phone would hand on such a file. */
function shares(name) {
  return navigator.canShare?.({ files: [new File(["x"], name, { type: OCTETS })] }) ?? false;
}
