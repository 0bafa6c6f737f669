// The page on the phone as a whole: load, start, and put the parts together.

import { part } from "./live/parts.js";
import { Board } from "./live/board.js";
import { Radio } from "./page/bluetooth.js";
import { Calls } from "./page/calls.js";
import { Described } from "./page/described.js";
import { Offline } from "./page/offline.js";
import { Saved } from "./page/saved.js";
import { Session } from "./page/session.js";
import { obstacle } from "./page/support.js";
import { $, announce, say, status } from "./page/tell.js";
import { megabytes } from "./page/units.js";

const offline = new Offline();
const hindered = obstacle(navigator, self.isSecureContext);
let session = null;

$("footer").prepend(part("key"));
$("banner-close").addEventListener("click", () => say(""));
$("again").addEventListener("click", () => location.reload());

/** Words and a bar while there is nothing to tap yet; `share` is null where nobody knows how long it takes. */
function loading(words, share = null) {
  if (!$("again").hidden) return; // it failed, and some files are still coming
  $("loading-words").textContent = words;
  if (share === null) $("progress").removeAttribute("value");
  else $("progress").value = share;
}

function failed(words) {
  $("loading-words").textContent = words;
  status("lost", "not started");
  $("progress").hidden = true;
  $("again").hidden = false;
}

function hinder({ title, words }) {
  $("obstacle").hidden = false;
  $("obstacle-title").textContent = title;
  $("obstacle-words").replaceChildren(...words.map((each) => {
    const line = document.createElement("p");
    line.textContent = each;
    return line;
  }));
}

async function main() {
  if (hindered) hinder(hindered);
  if (!self.isSecureContext) {
    $("loading").hidden = true;
    return status("lost", "cannot start");
  }
  offline.addEventListener("progress", ({ detail: { bytes, of } }) => {
    loading(`Fetching the app, once: ${megabytes(bytes)} of ${megabytes(of)}.`, bytes / of);
  });
  offline.addEventListener("update", () => offerUpdate());
  offline.addEventListener("changed", () => session?.busy || location.reload());
  loading("Looking for the app on this phone.");
  const without = await offline.ready();
  if (without?.whole === false) return failed(`The app could not be fetched as a whole. ${without.words}`);
  await start(without?.words ?? null);
}

async function start(without) {
  loading("Starting Python and the models: some seconds.");
  const calls = new Calls(new Worker(new URL("worker.js", import.meta.url), { type: "module" }));
  calls.addEventListener("died", ({ detail }) => {
    session?.died();
    status("lost", "stopped");
    say(detail);
  });
  let told;
  try {
    told = await calls.call("start");
  } catch (error) {
    return failed(error.message);
  }
  const board = new Board($("cards"), asks(calls), announce);
  const radio = new Radio((message, transfer) => calls.tell(message, transfer));
  const saved = new Saved(calls, (name, title) => session.replay(name, title));
  const described = new Described(calls);
  session = new Session({ calls, board, radio, saved, described, can: hindered === null });
  await Promise.all([saved.refresh(), described.restore()]);
  $("version").textContent = `ecgedge ${told.version} · Python ${told.python} · numpy ${told.numpy}`;
  $("offline").hidden = false;
  $("offline").textContent = without
    ? `Needs internet each time: ${without}` : "✓ Works without internet from now on.";
  for (const id of ["recordings", "firmware"]) $(id).hidden = false;
  $("loading").hidden = true;
  session.ready();
}

/** What a card asks for, of the worker. */
function asks(calls) {
  return {
    async mark(_wearable, text) {
      await calls.call("mark", { text });
    },
    async strip(wearable, start, seconds) {
      const strip = await calls.call("strip", { wearable, start_s: start, seconds });
      if (!strip) throw new Error("that stretch is not kept");
      return typeof strip === "string" ? JSON.parse(strip) : strip;
    },
  };
}

/** A new version waits until nothing is measured. */
function offerUpdate() {
  $("update").hidden = false;
  $("reload").addEventListener("click", () => {
    if (session?.busy) say("Disconnect first: loading the page again ends the measurement.");
    else offline.update();
  });
}

main().catch((error) => {
  failed("The page did not start.");
  say(`The page did not start (${error.message}): load it again.`);
});
