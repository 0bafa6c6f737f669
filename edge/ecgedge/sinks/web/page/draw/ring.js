// The last minute of a signal, by sample index.

const KEPT_S = 60; // more than the widest screen shows at 25 mm/s: 3840 px are 41 s

/** A ring of samples in mV; what it does not hold, and what was lost, reads as NaN. */
export class Ring {
  /** @param {number} fs sampling rate in Hz */
  constructor(fs) {
    this.fs = fs;
    this.size = Math.ceil(KEPT_S * fs);
    this.values = new Float32Array(this.size);
    this.start = 0; // the first sample that came
    this.end = 0; // one behind the last
  }

  /**
   * Take samples; what is missing before them becomes a gap, what came before is written over.
   *
   * @param {number} first index of the first one
   * @param {Float32Array} mv
   */
  put(first, mv) {
    if (this.end === this.start || first - this.end >= this.size || first < this.start) this.#restart(first);
    for (let i = this.end; i < first; i++) this.values[i % this.size] = NaN;
    const skip = Math.max(0, mv.length - this.size);
    for (let i = skip; i < mv.length; i++) this.values[(first + i) % this.size] = mv[i];
    this.end = Math.max(this.end, first + mv.length);
    this.start = Math.max(this.start, this.end - this.size);
  }

  #restart(first) {
    this.start = first;
    this.end = first;
  }

  /** Forget everything. */
  clear() {
    this.#restart(0);
  }

  /** Tell whether a sample lies in what is held, be it lost or not. */
  holds(index) {
    return index >= this.start && index < this.end;
  }

  /** The value of a sample in mV, or NaN. */
  at(index) {
    return this.holds(index) ? this.values[index % this.size] : NaN;
  }

  /**
   * The median of some samples up to one: where the line of the trace lies, whatever its beats look like.
   *
   * @param {number} last @param {number} count
   * @returns {number} NaN where there are none
   */
  median(last, count) {
    const some = [];
    for (let i = Math.max(this.start, last - count + 1); i <= last; i++) {
      const value = this.at(i);
      if (!Number.isNaN(value)) some.push(value);
    }
    some.sort((a, b) => a - b);
    return some.length ? some[some.length >> 1] : NaN;
  }
}
