// What a card asks of the live page's server: to mark a moment, and for a stretch of signal.

const NO_ANSWER = "no answer from the Pi";

/** Each is done, or fails with a sentence for the person who asked. */
export const asks = {
  /** Mark this moment of a wearable. */
  async mark(wearable, text) {
    const body = JSON.stringify({ wearable, text });
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch("mark", { method: "POST", headers, body }).catch(() => null);
    if (!answer?.ok) throw new Error(await reason(answer) ?? `Not marked: ${NO_ANSWER}. Press again.`);
  },

  /** The signal of some seconds: `{start_s, fs, mv, beats}`. */
  async strip(wearable, start, seconds) {
    const query = new URLSearchParams({ wearable, start_s: start.toFixed(3), seconds });
    const answer = await fetch(`strip?${query}`).catch(() => null);
    const told = answer?.ok ? await answer.json().catch(() => null) : null;
    if (!told) throw new Error(await reason(answer) ?? "No answer from the Pi: try again.");
    return told;
  },
};

/** What the server gives as its reason, if it does. */
async function reason(answer) {
  const told = await answer?.json().catch(() => null);
  return told?.error;
}
