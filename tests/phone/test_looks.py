"""How it looks and whom it asks: pictures for a person, axe-core, and nobody else's machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import axe
import pytest
from handset import Handset
from strap import Strap
from straps import STRAPS

PICTURES = Path(__file__).parents[2] / "build" / "browser"
SCREENS = [(390, 844, False), (390, 844, True), (844, 390, False)]


@pytest.fixture(scope="module")
def axe_core() -> str:
    try:
        return axe.source()
    except axe.CannotHaveError as why:
        pytest.skip(str(why))


def look(handset: Handset, what: str, axe_core: str) -> None:
    """Nobody else is asked, nothing complains; pictures of all screens; they fit, and all can use them."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    foreign = [one for one in handset.page.requests() if not one.startswith((handset.url, "blob:", "data:"))]
    assert (foreign, handset.complaints()) == ([], [])
    page = handset.page
    page.call("Emulation.setScrollbarsHidden", hidden=True)
    for width, height, dark in SCREENS:
        page.screen(width, height, dark=dark)
        page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width
        file = PICTURES / f"phone-{what}-{width}x{height}-{'dark' if dark else 'light'}.png"
        page.picture(file, whole=False)
        assert file.stat().st_size > 10_000
        page.evaluate(axe_core + ";1")
        found: list[dict[str, Any]] = page.evaluate(
            "axe.run().then(r => r.violations"
            ".map(v => ({id: v.id, impact: v.impact, where: v.nodes.map(n => n.html)})))"
        )
        assert [fault for fault in found if fault["impact"] in ("serious", "critical")] == []
    page.screen(390, 844)


def test_everybody_can_use_it_and_it_asks_nobody_else(handset: Handset, axe_core: str) -> None:
    look(handset, "start", axe_core)
    strap = Strap(handset.page, STRAPS["polar"]())
    handset.connect(strap)
    handset.play(strap, 180)
    handset.page.until("document.querySelector('.letters')?.childElementCount > 2")
    look(handset, "measuring", axe_core)
    handset.disconnect()
    look(handset, "ended", axe_core)
    handset.back()
    look(handset, "recordings", axe_core)
    handset.page.click("#saved [data-is=replay]")
    handset.page.until("document.querySelector('[data-is=timeline]')?.ariaValueNow > 0")
    look(handset, "replay", axe_core)
