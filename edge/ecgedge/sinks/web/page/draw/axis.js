// Times as people read them, and where to put them on an axis.

const STEPS_S = [10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 10800, 21600, 43200];
const two = (n) => String(n).padStart(2, "0");

/**
 * A time of the stream: by the clock on the wall if the start is known, else since the start.
 *
 * @param {number} at seconds of the stream
 * @param {number|null} start Unix time of its start
 * @param {boolean} seconds whether to tell seconds of the wall's clock
 */
export function clock(at, start, seconds = true) {
  if (start === null) return elapsed(at);
  const date = new Date(1000 * (start + at));
  return `${two(date.getHours())}:${two(date.getMinutes())}${seconds ? `:${two(date.getSeconds())}` : ""}`;
}

/** Seconds as m:ss or h:mm:ss. */
export function elapsed(at) {
  const whole = Math.max(0, Math.floor(at));
  const [hours, minutes, seconds] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/** A length of time in words. */
export function span(seconds) {
  if (seconds >= 3600) return `${seconds / 3600} h`;
  return seconds >= 60 ? `${seconds / 60} min` : `${seconds} s`;
}

/**
 * Round times between two, `most` at most.
 *
 * @returns {{at: number, words: string}[]}
 */
export function ticks(from, to, most, start) {
  const step = STEPS_S.find((s) => (to - from) / s <= most) ?? STEPS_S.at(-1);
  // Round by the clock on the wall, not by the start of the stream.
  const offset = start === null ? 0 : start - 60 * new Date(1000 * start).getTimezoneOffset();
  const first = Math.ceil((from + offset) / step) * step - offset;
  const count = Math.max(0, Math.floor((to - first) / step) + 1);
  return Array.from({ length: count }, (_, i) => first + i * step).map((at) => ({
    at,
    words: clock(at + 1e-6, start, step < 60),
  }));
}
