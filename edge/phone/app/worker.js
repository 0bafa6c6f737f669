// Python's home. What the page says goes to Python, what Python asks goes to the page; no word of either is known here.

import { release } from "./memory.js";
import { loadPython } from "./python.js";
import { recordings } from "./recordings.js";

const asked = new Map(); // what Python waits for, by number
let last = 0;
let app = null;
let letGo = () => {}; // of memory, once the models are loaded

/** What Python has of JavaScript: see edge/ecgedge/phone/browser.py. */
const side = {
  /** Resolves to bytes that were read, or to a text in JSON: {result}, or {error, name}. */
  ask(what, values, data) {
    last += 1;
    postMessage({ ask: last, do: what, ...JSON.parse(values), ...(data && { data: data.toJs() }) });
    return new Promise((resolve) => asked.set(last, resolve));
  },
  post: (text) => postMessage({ news: text }),
  send(frame) {
    const { buffer } = frame.toJs(); // the one copy, out of Python's memory
    postMessage({ news: buffer }, [buffer]);
  },
  files: recordings,
};

const ready = loadPython().then((python) => {
  const module = python.pyimport("ecgedge.phone.browser");
  app = module.App(side);
  module.destroy();
  letGo = () => release(python);
  return app;
});
ready.catch(() => {}); // told as the answer to each call

self.addEventListener("message", ({ data }) => {
  if ("call" in data) answer(data);
  else if ("answer" in data) settle(data);
  else if ("notified" in data) app.notified(data.notified, data.data);
  else if (data.disconnected) app.disconnected();
});

async function answer({ id, call, args }) {
  try {
    const { file, ...values } = typeof args === "object" ? args : {}; // of null nothing
    const answered = (await ready).call(call, JSON.stringify(typeof args === "object" ? values : args ?? {}), file);
    const reply = await answered.finally(() => answered.destroy());
    const message = typeof reply === "string" ? JSON.parse(reply) : { result: reply };
    if (call === "start" && message.result) message.result.seconds = performance.now() / 1000;
    postMessage({ id, ...message });
  } catch (error) {
    return postMessage({ id, error: error.message });
  }
  if (call === "start") letGo();
}

function settle({ answer, result = null, error, name }) {
  const resolve = asked.get(answer);
  asked.delete(answer);
  if (error !== undefined) resolve(JSON.stringify({ error, name }));
  else resolve(result instanceof Uint8Array ? result : JSON.stringify({ result }));
}
