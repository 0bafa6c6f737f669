// A ward: many cards are tiles, and one at a time is open.

const TILES_FROM = 6; // as many whole cards as fit nobody's screen

/**
 * Make tiles of the cards as soon as there are many.
 *
 * @param {HTMLElement} where the cards are
 */
export function ward(where) {
  const cards = () => [...where.querySelectorAll(":scope > .card")];
  const isWard = () => where.dataset.ward === "true";

  function open(card) {
    for (const each of cards()) show(each, each === card);
    card?.scrollIntoView({ block: "nearest" });
  }

  function show(card, isOpen) {
    const isTile = isWard() && !isOpen;
    card.dataset.open = isOpen;
    card.classList.toggle("tile", isTile);
    if (isTile) {
      card.tabIndex = 0;
      card.setAttribute("role", "button");
      const name = card.querySelector("h2")?.textContent ?? "";
      card.setAttribute("aria-label", name ? `Open ${name}` : "Open");
    } else {
      for (const name of ["tabindex", "role", "aria-label"]) card.removeAttribute(name);
    }
  }

  function close(card) {
    show(card, false);
    card.focus();
  }

  function button(card) {
    if (card.querySelector(".to-tile")) return;
    const back = document.createElement("button");
    back.type = "button";
    back.className = "to-tile";
    back.textContent = "Back to the ward";
    back.addEventListener("click", (event) => {
      event.stopPropagation();
      close(card);
    });
    card.querySelector(".card-top")?.append(back);
  }

  function arrange() {
    const all = cards();
    where.dataset.ward = all.length >= TILES_FROM;
    for (const card of all) {
      button(card);
      show(card, isWard() && card.dataset.open === "true");
    }
  }

  where.addEventListener("click", ({ target }) => {
    const tile = target.closest?.(".tile");
    if (tile) open(tile);
  });
  where.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (target.classList?.contains("tile") && (key === "Enter" || key === " ")) {
      event.preventDefault();
      open(target);
      target.querySelector(".to-tile")?.focus();
    } else if (key === "Escape") {
      const shown = target.closest?.('.card[data-open="true"]');
      if (shown && isWard()) close(shown);
    }
  });
  new MutationObserver(arrange).observe(where, { childList: true });
  arrange();
}
