// What the page says: in the header, in the banner, and to those who do not see it.

export const $ = (id) => document.getElementById(id);

/** What went wrong, in a sentence; empty: nothing any more. */
export function say(words) {
  $("banner").hidden = !words;
  $("banner-words").textContent = words;
}

/** For those who do not see the page: what changed, not each figure. */
export function announce(words) {
  $("live").textContent = words;
}

/** The state of all, in a word or two. */
export function status(state, words) {
  if ($("state").textContent === words) return;
  $("state").dataset.state = state;
  $("state").textContent = words;
}

/** Ask before what cannot be undone; `verb` is what the button does. */
export function sure(words, verb) {
  const dialog = $("question").content.firstElementChild.cloneNode(true);
  document.body.append(dialog);
  $("sure-words").textContent = words;
  $("sure-yes").textContent = verb;
  dialog.showModal();
  $("sure-no").focus();
  return new Promise((resolve) => {
    const answer = (yes) => {
      if (!dialog.isConnected) return; // its own close comes as an event too
      dialog.close(); // which gives the focus back
      dialog.remove();
      resolve(yes);
    };
    dialog.addEventListener("submit", (event) => {
      event.preventDefault();
      answer(event.submitter?.value === "yes");
    });
    // Escape, and the phone's way back; a browser may leave out `cancel` where nobody touched the page before.
    dialog.addEventListener("cancel", () => answer(false));
    dialog.addEventListener("close", () => answer(false));
  });
}
