/** Samples in mV that have found their place: `sample` is the index of the first one, lost ones counted. */
export interface Block {
  sample: number;
  millivolt: Float32Array;
  fsHat: number;
  hostTimeS: number;
}

/** What a call led to; `lines` are JSON, as events.schema.json describes them. */
export interface Said {
  lines: string[];
  blocks: Block[];
  /** False where the device's own rate is more than 10 % off, or an index is none. */
  analysed: boolean;
}

/** One wearer's stream, over any number of connections. */
export interface EcgCore {
  /** Takes a notification of the data characteristic, and its arrival on a monotonic clock in seconds. */
  receive(notification: Uint8Array, hostTimeS: number): Said;
  /** Takes samples in mV that were decoded elsewhere; without `sample` they go on where those before ended. */
  samples(millivolt: Float32Array, sample?: number, fsHat?: number): Said;
  /** Tells what is pending; what comes after it begins another segment. */
  finish(): Said;
  /** Gives the memory back. */
  close(): void;
}

export type Source = BufferSource | Response | Promise<BufferSource | Response>;

/** The module, ecg_core.wasm; one serves any number of wearers. */
export class EcgEdge {
  static load(source: Source): Promise<EcgEdge>;
  stream(options: { fs: number; kind?: "polar" | "own" | "samples"; device?: string }): EcgCore;
}
