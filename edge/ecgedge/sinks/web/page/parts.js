// The HTML that pages share, in a file of its own: a card, and the key to its letters.

const answer = await fetch(new URL("parts.html", import.meta.url));
if (!answer.ok) throw new Error(`parts.html: ${answer.status}`);
const shared = new DOMParser().parseFromString(await answer.text(), "text/html");

/** A fresh copy of a part, by its id. */
export function part(id) {
  return document.importNode(shared.getElementById(id).content.firstElementChild, true);
}
