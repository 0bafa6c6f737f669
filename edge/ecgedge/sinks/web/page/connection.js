// The connection to the server: it comes back by itself, and tells what it is doing.

const FIRST_WAIT_S = 1; // a restarted server is back in seconds
const LONGEST_WAIT_S = 15;
const QUIET_S = 20; // then it asks for a sign of life: a lost network says nothing by itself
const ANSWER_S = 8;
const TOO_MANY = 1013; // RFC 6455's registry of close codes: try again later

/**
 * A WebSocket that reconnects.
 *
 * Events: `open`; `text` (detail: the message), `frame` (detail: an ArrayBuffer), `lost` (detail:
 * `{seconds, full}`: until the next try, told anew each second, 0: trying now; whether there are too many viewers
 * already), `woke`: the tab is looked at again, `refused`: the server wants a token.
 */
export class Connection extends EventTarget {
  /** @param {URL} url */
  constructor(url) {
    super();
    this.url = url;
    this.wait = FIRST_WAIT_S;
    document.addEventListener("visibilitychange", () => this.#woke());
    window.addEventListener("online", () => this.#retryNow());
    window.addEventListener("offline", () => this.socket?.close());
    this.#connect();
  }

  #connect() {
    clearTimeout(this.timer);
    const socket = new WebSocket(this.url);
    this.socket = socket;
    this.opened = false;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => this.#open());
    socket.addEventListener("message", ({ data }) => this.#take(data));
    socket.addEventListener("close", ({ code }) => socket === this.socket && this.#close(code));
  }

  #open() {
    this.opened = true;
    this.#listen();
    this.#tell("open");
  }

  #take(data) {
    this.wait = FIRST_WAIT_S; // not before: who is one too many is let in and shown out again
    this.#listen();
    if (typeof data === "string") this.#tell("text", JSON.parse(data));
    else if (!document.hidden) this.#tell("frame", data);
  }

  #close(code) {
    clearTimeout(this.quiet);
    this.full = code === TOO_MANY;
    if (!this.opened) this.#askWhy();
    this.#countDown(this.wait);
    this.wait = Math.min(2 * this.wait, LONGEST_WAIT_S);
  }

  #countDown(seconds) {
    this.#tell("lost", { seconds, full: this.full });
    if (seconds <= 0) this.#connect();
    else this.timer = setTimeout(() => this.#countDown(seconds - 1), 1000);
  }

  /** A browser does not say why a WebSocket failed; the page's own address does. */
  async #askWhy() {
    const answer = await fetch("./", { cache: "no-store" }).catch(() => null);
    if (answer?.status === 401) this.#tell("refused");
  }

  #retryNow() {
    if (this.socket.readyState === WebSocket.CLOSED) this.#connect();
  }

  /** What came while the tab slept is old: ask for now. */
  #woke() {
    if (document.hidden) return;
    this.#retryNow();
    this.#tell("woke");
    this.#ask();
  }

  #ask() {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send('{"type":"now"}');
  }

  /** Something came: all is well for a while. */
  #listen() {
    clearTimeout(this.quiet);
    this.quiet = setTimeout(() => {
      this.#ask();
      this.quiet = setTimeout(() => this.#giveUp(), 1000 * ANSWER_S);
    }, 1000 * QUIET_S);
  }

  /** Closing would wait for an answer that does not come: forget the socket at once. */
  #giveUp() {
    const socket = this.socket;
    this.socket = { readyState: WebSocket.CLOSED };
    socket.close();
    this.#close();
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
