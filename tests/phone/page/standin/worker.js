// Stands in for the worker in tests of the page: no Python; it plays what a hub said once, made by page_site.py.

const loaded = fetch("play.json").then((answer) => answer.json());
let play = null;
let recordings = [];
const TICK_MS = 33;
let timer = null;

const calls = {
  async start() {
    play = await loaded;
    recordings = play.recordings;
    if (play.start_error) throw new Error(play.start_error);
    return { version: "0.0", python: "3.13.2", numpy: "2.2.6", seconds: 0 };
  },
  chooser: () => ({ acceptAllDevices: true }),
  addProfile({ text }) {
    const name = /name = "(.*)"/.exec(text)?.[1];
    if (!name) throw new Error("the description has no name: add a line such as name = \"my board\"");
    return { name, fs: 128 };
  },
  explain: ({ name, message }) => `${name} (${message}): try again`,
  connect({ name, record }) {
    if (play.connect_error) throw new Error(play.connect_error);
    run(play.live, play.live_from_s);
    if (record) {
      recordings.unshift({ name: "now.cap", bytes: 1_234_567, start_unix_s: 1_796_000_000, seconds: 61, device: name });
      post('{"type": "recording", "name": "now.cap", "words": null}');
    }
    return { name, recording: record ? "now.cap" : null };
  },
  disconnect() {
    clearInterval(timer);
    post('{"type": "ended", "words": null}');
    return null;
  },
  replay({ name }) {
    if (!recordings.some((one) => one.name === name)) throw new Error(`there is no ${name}`);
    run(play.replay, Infinity);
    return null;
  },
  mark: () => null,
  strip({ start_s, seconds }) {
    const { fs, mv } = play.signal;
    const some = mv.slice(Math.round(start_s * fs), Math.round((start_s + seconds) * fs));
    return some.length ? JSON.stringify({ start_s, fs, mv: some, beats: [] }) : null;
  },
  now: () => null,
  pause: () => clearInterval(timer), // asked for by a test that says something itself
  recordings: () => recordings,
  take: ({ name }) => new File([`the bytes of ${name}`], name),
  open({ name, file }) {
    if (!name.endsWith(".cap")) throw new Error(`${name} is no capture: choose a file that ecgedge recorded`);
    recordings.push({ name, bytes: file.size, start_unix_s: 1_790_000_000, seconds: 5, device: "from elsewhere" });
    return name;
  },
  remove({ name }) {
    recordings.splice(recordings.findIndex((one) => one.name === name), 1);
    return null;
  },
  removeAll: () => recordings.splice(0),
};

function run(messages, from) {
  clearInterval(timer);
  const began = performance.now() / 1000 - (Number.isFinite(from) ? from : 0);
  let next = 0;
  const step = () => {
    const now = Number.isFinite(from) ? performance.now() / 1000 - began : Infinity;
    for (; next < messages.length && messages[next][0] <= now; next++) post(messages[next][1]);
    if (next === messages.length) clearInterval(timer);
  };
  timer = setInterval(step, TICK_MS);
  step();
}

function post(message) {
  if (typeof message === "string") return self.postMessage({ news: message });
  const { buffer } = Uint8Array.from(atob(message.frame), (letter) => letter.charCodeAt(0));
  self.postMessage({ news: buffer }, [buffer]);
}

self.onmessage = async ({ data: { id, call, args } }) => {
  if (id === undefined) return;
  try {
    self.postMessage({ id, result: await calls[call](args) });
  } catch (error) {
    self.postMessage({ id, error: error.message });
  }
};
