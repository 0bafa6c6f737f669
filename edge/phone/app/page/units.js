// Sizes and times as people read them.

/** Bytes in megabytes, as phones count them. */
export function megabytes(bytes) {
  if (bytes < 950_000) return `${Math.ceil(bytes / 1e3)} kB`;
  return `${(bytes / 1e6).toFixed(bytes < 100e6 ? 1 : 0)} MB`;
}

/** How long something took. */
export function duration(seconds) {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes / 60} h`;
}

const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** When something began, by the phone's clock and in its language's order. */
export function moment(unix) {
  return DAY.format(new Date(1000 * unix));
}
