// The page as a whole: one connection, a card for each wearable, and the clock that draws them.

import { Card } from "./card.js";
import { Connection } from "./connection.js";
import { FrameError, decode } from "./frames.js";

const $ = (id) => document.getElementById(id);
const cards = new Map();
const steady = matchMedia("(prefers-reduced-motion: reduce)");
const STEP_MS = 1000; // between pictures, for those who want no motion

let version = null;
let drawing = false;

const address = new URL("stream", location.href);
address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
address.search = "";

const takes = {
  hello: (message) => greet(message),
  state: (message) => cards.get(message.wearable)?.state(message),
  log: (message) => cards.get(message.wearable)?.log(message.lines),
  timeline: (message) => cards.get(message.wearable)?.timeline(message),
};

function greet({ version: server, title, wearables, can_mark: canMark, speed }) {
  // A server that was updated meanwhile has another page too.
  if (version !== null && version !== server) return location.reload();
  version = server;
  $("title").textContent = title;
  document.title = title;
  for (const id of [...cards.keys()].filter((id) => !wearables.some((w) => w.id === id))) {
    cards.get(id).remove();
    cards.delete(id);
  }
  for (const { id, name } of wearables) {
    if (!cards.has(id)) cards.set(id, new Card(id, $("cards"), announce));
    cards.get(id).greet({ name, canMark, speed: Number.isFinite(speed) && speed > 0 ? speed : 1 });
  }
  $("nobody").hidden = cards.size > 0;
  $("cards").dataset.count = cards.size;
}

/** For those who do not see the page: what changed, not each figure. */
function announce(words) {
  $("live").textContent = words;
}

function takeFrame(buffer) {
  try {
    const frame = decode(buffer);
    cards.get(frame.wearable)?.frame(frame, performance.now() / 1000);
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    say(`The server sends what this page cannot read (${error.message}): reload it.`);
  }
  start();
}

/** Pictures are drawn while there is something to draw. */
function start() {
  if (drawing || document.hidden) return;
  drawing = true;
  if (steady.matches) setTimeout(() => requestAnimationFrame(draw), STEP_MS);
  else requestAnimationFrame(draw);
}

function draw(now) {
  drawing = false;
  let more = false;
  for (const card of cards.values()) more = card.draw(now / 1000, steady.matches) || more;
  if (more) start();
}

function say(words) {
  $("banner").hidden = !words;
  $("banner").textContent = words;
}

function status(state, words) {
  $("connection").dataset.state = state;
  $("connection").textContent = words;
  document.body.dataset.connection = state;
}

let lost = false;
const connection = new Connection(address);
connection.addEventListener("open", () => {
  for (const card of cards.values()) card.restart();
  status("open", "live");
  say("");
  if (lost) announce("Connected to the Pi again.");
  lost = false;
});
connection.addEventListener("lost", ({ detail }) => {
  const next = detail.seconds > 0 ? `trying again in ${detail.seconds} s` : "trying again";
  status("lost", "no connection");
  if (detail.full) say(`Too many look at this page already: ${next}.`);
  else say(`Connection to the Pi lost: ${next}. What you see is from before.`);
  if (!lost) announce("Connection to the Pi lost.");
  lost = true;
});
connection.addEventListener("refused", () => location.reload());
connection.addEventListener("woke", () => {
  for (const card of cards.values()) card.wake();
});
connection.addEventListener("text", ({ detail }) => {
  takes[detail.type]?.(detail);
  start(); // a verdict may shade what is drawn already, with no signal to come
});
connection.addEventListener("frame", ({ detail }) => takeFrame(detail));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const card of cards.values()) card.resize();
});
