// The binary frames of the server: see sinks/web, "signal". Pure: bytes in, values out.

const VERSION = 1;
const HEAD_BYTES = 24;
const NO_SAMPLE = -32768;
const BEAT_BYTES = 9; // where, f64, and its class, u8

/** A frame that this page cannot read: it is damaged, or its server speaks another version. */
export class FrameError extends Error {}

/**
 * Read one frame.
 *
 * @param {ArrayBuffer} buffer
 * @returns {{wearable: number, first: number, fs: number, mv: Float32Array,
 *   beats: {sample: number, symbol: string}[]}} `mv` is NaN where there is no sample; a beat's `symbol` is
 *   empty where no model named it.
 */
export function decode(buffer) {
  const view = new DataView(buffer);
  if (view.byteLength < HEAD_BYTES) throw new FrameError(`a frame of ${view.byteLength} bytes`);
  if (view.getUint8(0) !== VERSION) throw new FrameError(`a frame of version ${view.getUint8(0)}`);
  const beats = view.getUint16(2, true);
  const samples = view.getUint32(4, true);
  const beatsAt = HEAD_BYTES + 8 * Math.ceil(samples / 4);
  if (view.byteLength < beatsAt + beats * BEAT_BYTES) throw new FrameError("a frame that is cut off");
  return {
    wearable: view.getUint8(1),
    first: view.getFloat64(8, true),
    fs: view.getFloat32(16, true),
    mv: readSamples(view, samples, view.getFloat32(20, true)),
    beats: readBeats(view, beatsAt, beats),
  };
}

function readSamples(view, count, mvPerStep) {
  const mv = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const step = view.getInt16(HEAD_BYTES + 2 * i, true);
    mv[i] = step === NO_SAMPLE ? NaN : step * mvPerStep;
  }
  return mv;
}

function readBeats(view, at, count) {
  return Array.from({ length: count }, (_, i) => {
    const letter = view.getUint8(at + 8 * count + i);
    return { sample: view.getFloat64(at + 8 * i, true), symbol: letter ? String.fromCharCode(letter) : "" };
  });
}
