// When to show which sample: even motion out of pieces that come unevenly.
//
// A strap hands over its samples in bursts of up to half a second, the network adds its own. The trace runs
// behind the newest sample by about the longest recent spacing, so that it reaches the end of a piece when
// the next one is there. The delay is bounded, and who is far behind jumps: a monitor shows now.

const KEPT_S = 4; // of arrivals: seven bursts of a Polar H10 (0.56 s), which differ little
const LEAST_S = 0.1; // three frames of the server, at 30 a second
const MOST_S = 1.2; // two bursts of the slowest strap that is known
const MARGIN_S = 0.06; // a timer of the server and a frame of the screen
const PAUSE_S = 2; // a longer spacing is an interruption, and tells nothing of the next
const BEHIND_S = 2; // from here on nobody would call it live
const STEP_S = 0.1; // after a longer time without a picture, it goes on from where it was
const [SLOWEST, FASTEST] = [0.5, 3]; // how it makes good what it is ahead or behind

/** The time of a stream that is shown, from the times of its arrivals; all in seconds. */
export class Playout {
  constructor() {
    this.reset();
  }

  /** Forget what came: the next arrival starts afresh. */
  reset() {
    this.end = null;
    this.shown = null;
    this._arrivals = [];
    this._clock = 0;
    this._last = null;
  }

  /**
   * Samples came.
   *
   * @param {number} clock when, by any steady clock
   * @param {number} end time in the stream of the last of them
   */
  arrive(clock, end) {
    const spacing = this._last === null ? 0 : clock - this._last;
    this._last = clock;
    this.end = end;
    this._arrivals.push({ clock, lead: end - clock, spacing: spacing > PAUSE_S ? 0 : spacing });
    while (this._arrivals[0].clock < clock - KEPT_S) this._arrivals.shift();
  }

  /** How far behind the newest sample the trace should run. */
  get delay() {
    const longest = Math.max(0, ...this._arrivals.map((a) => a.spacing));
    return Math.min(MOST_S, Math.max(LEAST_S, longest + MARGIN_S));
  }

  /**
   * The time of the stream to show.
   *
   * @param {number} clock
   * @returns {number|null} null before anything came
   */
  at(clock) {
    if (this.end === null) return null;
    const lead = Math.max(...this._arrivals.map((a) => a.lead));
    const target = Math.min(this.end, clock + lead - this.delay);
    const behind = this.shown === null ? Infinity : target - this.shown;
    const elapsed = Math.min(STEP_S, Math.max(0, clock - this._clock));
    this._clock = clock;
    if (Math.abs(behind) > BEHIND_S) this.shown = target;
    else this.shown += elapsed * Math.min(FASTEST, Math.max(SLOWEST, 1 + behind));
    this.shown = Math.min(this.shown, this.end);
    return this.shown;
  }

  /** Tell whether all that came is shown. */
  get done() {
    return this.end === null || this.shown >= this.end;
  }
}
