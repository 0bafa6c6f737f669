// Devices that a person described: kept on this phone, and known to the chooser.

import { $, say } from "./tell.js";

const KEY = "ecgedge.devices";
const MOST_BYTES = 65_536; // a description has twenty lines
const MOST = 20;

/** The descriptions, and what the chooser of devices offers because of them. */
export class Described {
  /** What `requestDevice` takes: at hand, since only a tap may open the chooser. */
  chooser = null;

  constructor(calls) {
    this.calls = calls;
    $("describe").addEventListener("change", ({ target }) => this.#choose(target));
    $("everything").addEventListener("change", () => this.#prepare());
  }

  /** Tell the worker again what was described in earlier visits. */
  async restore() {
    for (const { name, text } of stored()) {
      await this.calls.call("addProfile", { text })
        .catch((error) => say(`The description of ${name} is not understood any more: ${error.message}`));
    }
    await this.#changed();
  }

  async #choose(input) {
    const [file] = input.files;
    if (!file) return;
    input.value = "";
    try {
      if (file.size > MOST_BYTES) throw new Error(`${file.name} is too large for a description: choose a TOML file.`);
      await this.#add(await file.text());
    } catch (error) {
      say(error.message);
    }
  }

  async #add(text) {
    const others = stored();
    if (others.length >= MOST) throw new Error(`${MOST} descriptions are here already: delete one first.`);
    const { name } = await this.calls.call("addProfile", { text });
    store([...others.filter((one) => one.name !== name), { name, text }]);
    say("");
    await this.#changed();
  }

  /** The worker forgets one only when it starts anew, which takes some seconds. */
  #remove(name) {
    store(stored().filter((one) => one.name !== name));
    location.reload();
  }

  async #prepare() {
    this.chooser = await this.calls.call("chooser", { everything: $("everything").checked });
  }

  async #changed() {
    await this.#prepare();
    $("described").replaceChildren(...stored().map(({ name }) => {
      const row = document.createElement("li");
      const title = document.createElement("h3");
      const button = document.createElement("button");
      title.textContent = name;
      Object.assign(button, { type: "button", textContent: "Delete", className: "plain danger" });
      button.setAttribute("aria-label", `Delete the description of ${name}`);
      button.addEventListener("click", () => this.#remove(name));
      row.append(title, button);
      return row;
    }));
  }
}

/** What is kept; nothing where the browser keeps nothing for pages. */
function stored() {
  try {
    const all = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(all) ? all : [];
  } catch {
    return [];
  }
}

function store(all) {
  try {
    localStorage.setItem(KEY, JSON.stringify(all));
  } catch {
    say("The description is known until the page is closed: this browser keeps nothing for it.");
  }
}
