// ecgedge's whole chain as WebAssembly: notifications of a wearable in, events and samples out.
// Not a medical device.
import { instance } from "./instance.mjs";

const KINDS = { samples: -1, polar: 0, own: 1 };

// The module; one serves any number of wearers.
export class EcgEdge {
  static async load(source) {
    const self = new EcgEdge();
    self.c = await instance(source, { ecgedge: { line: (...said) => self.#line(...said), block: (...b) => self.#block(...b) } });
    self.room = self.c.ecg_room();
    self.roomBytes = self.c.ecg_room_bytes();
    return self;
  }

  // A wearer's stream: `kind` is "polar", "own" or "samples".
  stream({ fs, kind = "polar", device = "" }) {
    if (!(kind in KINDS)) throw new RangeError(`no kind ${kind}: use ${Object.keys(KINDS).join(", ")}`);
    this.put(new TextEncoder().encode(`${device.slice(0, 255)}\0`));
    const stream = this.c.ecg_create(fs, KINDS[kind]);
    if (!stream) throw new RangeError(`no setup for ${fs} Hz: make the bundle with ecgedge-export bundle --fs ${fs}`);
    return new EcgCore(this, stream);
  }

  // Memory may have moved since the last call: it is looked at anew each time.
  put(bytes) {
    new Uint8Array(this.c.memory.buffer, this.room, bytes.length).set(bytes);
  }

  // What a call leads to.
  collect(call) {
    this.said = { lines: [], blocks: [], analysed: true };
    this.said.analysed = (call(this.c) ?? 0) === 0;
    return this.said;
  }

  #line(at, length) {
    this.said.lines.push(new TextDecoder().decode(new Uint8Array(this.c.memory.buffer, at, length - 1)));
  }

  #block(sample, at, count, fsHat, hostTimeS) {
    const millivolt = new Float32Array(this.c.memory.buffer, at, count).slice();
    this.said.blocks.push({ sample, millivolt, fsHat, hostTimeS });
  }
}

class EcgCore {
  constructor(edge, stream) {
    this.edge = edge;
    this.stream = stream;
  }

  receive(notification, hostTimeS) {
    const bytes = notification.subarray(0, 1024); // what is longer is a lost frame, whatever is in it
    return this.#call((c) => (this.edge.put(bytes), c.ecg_receive(this.stream, bytes.length, hostTimeS)));
  }

  samples(millivolt, sample = -1, fsHat = 0) {
    const most = this.edge.roomBytes / 4;
    const said = { lines: [], blocks: [], analysed: true };
    for (let at = 0; at < Math.max(millivolt.length, 1); at += most) {
      const piece = Float32Array.from(millivolt.subarray(at, at + most));
      this.edge.put(new Uint8Array(piece.buffer));
      const first = sample < 0 ? sample : sample + at;
      const one = this.#call((c) => c.ecg_samples(this.stream, first, piece.length, fsHat));
      said.lines.push(...one.lines);
      said.analysed &&= one.analysed;
    }
    return said;
  }

  finish() {
    return this.#call((c) => c.ecg_finish(this.stream));
  }

  close() {
    if (this.stream) this.edge.c.ecg_destroy(this.stream);
    this.stream = 0;
  }

  #call(call) {
    if (!this.stream) throw new Error("this stream was closed: make another one");
    return this.edge.collect(call);
  }
}
