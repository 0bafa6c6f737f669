// What is known of the last hours: rhythms, heart rate by the minute, HRV, marks.

const LISTS = ["spans", "minutes", "hrv", "marks"];

/** An empty history. */
export function empty() {
  return { spans: [], minutes: [], hrv: [], marks: [] };
}

/**
 * A history with what the server has sent since: `whole` replaces everything, else each list that is not
 * empty replaces its own items from its first one's start on.
 *
 * @returns {{spans: object[], minutes: object[], hrv: object[], marks: object[]}}
 */
export function merged(history, message) {
  return Object.fromEntries(LISTS.map((list) => {
    const fresh = message[list] ?? [];
    if (message.whole) return [list, fresh];
    if (!fresh.length) return [list, history[list]];
    return [list, [...history[list].filter((old) => old.start_s < fresh[0].start_s), ...fresh]];
  }));
}
