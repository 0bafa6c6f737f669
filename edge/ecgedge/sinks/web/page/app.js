// The live page as a whole: a connection, and the board that shows what comes.

import { asks } from "./asks.js";
import { Board } from "./board.js";
import { Connection } from "./connection.js";
import { part } from "./parts.js";
import { ward } from "./ward.js";

const $ = (id) => document.getElementById(id);

const board = new Board($("cards"), asks, announce);
let version = null;
let lost = false;

const address = new URL("stream", location.href);
address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
address.search = "";

$("footer").prepend(part("key"));
ward($("cards"));

function greet(hello) {
  // A server that was updated meanwhile has another page too.
  if (version !== null && version !== hello.version) return location.reload();
  version = hello.version;
  $("title").textContent = hello.title;
  document.title = hello.title;
  board.greet(hello);
  $("nobody").hidden = board.size > 0;
}

/** For those who do not see the page: what changed, not each figure. */
function announce(words) {
  $("live").textContent = words;
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

const connection = new Connection(address);
connection.addEventListener("open", () => {
  board.restart();
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
connection.addEventListener("woke", () => board.wake());
connection.addEventListener("text", ({ detail }) => {
  if (detail.type === "hello") greet(detail);
  else board.take(detail);
});
connection.addEventListener("frame", ({ detail }) => {
  const wrong = board.frame(detail);
  if (wrong) say(`The server sends what this page cannot read (${wrong}): reload it.`);
});
