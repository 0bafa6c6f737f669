"""A ward on the page: tiles from six wearables on, and the one that is tapped opens."""

from __future__ import annotations

from pathlib import Path

import pytest
from devtools import Page
from live import Stream, ecg, serving

from ecgedge.monitor import Models, Monitor
from ecgedge.sinks.web.hub import Hub

TILES = "document.querySelectorAll('.card.tile').length"
OPEN = "document.querySelectorAll('.card[data-open=\"true\"]').length"


@pytest.fixture(scope="module")
def models() -> Models:
    return Models.load()


def fill(hub: Hub, models: Models, n: int) -> None:
    mv = ecg(("sinus", 20.0, 64.0))
    for k in range(n):
        Stream(hub.add(f"bed {k + 1}"), mv, monitor=Monitor(models)).play()


def test_a_few_are_cards_as_ever(page: Page, hub: Hub, models: Models) -> None:
    fill(hub, models, 2)
    with serving(hub) as server:
        page.open(server.url)
        page.until("document.querySelectorAll('.card').length === 2")
        assert page.evaluate(TILES) == 0
        assert page.evaluate("document.querySelector('.facts').offsetHeight > 0")
        assert page.evaluate("document.querySelector('.to-tile').offsetHeight") == 0


def test_a_ward_is_tiles_and_a_tap_opens_one(page: Page, hub: Hub, models: Models, tmp_path: Path) -> None:
    fill(hub, models, 12)
    page.screen(1280, 800)
    with serving(hub) as server:
        page.open(server.url)
        page.until(f"{TILES} === 12")
        page.until(
            "[...document.querySelectorAll('.tile .rate-number')].every(e => /\\d/.test(e.textContent))"
        )
        # Name, rate, rhythm, gate and a trace, and nothing else.
        assert page.evaluate("document.querySelector('.tile .facts').offsetHeight") == 0
        for part in ("h2", ".rate-number", ".rhythm", ".gate", ".trace"):
            assert page.evaluate(f"document.querySelector('.tile {part}').offsetHeight") > 0, part
        # Twelve fit a screen.
        assert page.evaluate("document.querySelector('.cards').getBoundingClientRect().bottom") <= 1000
        page.picture(tmp_path / "ward.png")
        page.click(".card:nth-of-type(3)")
        page.until(f"{OPEN} === 1 && {TILES} === 11")
        assert page.evaluate("document.querySelector('[data-open=\"true\"] h2').textContent") == "bed 3"
        assert page.evaluate("document.querySelector('[data-open=\"true\"] .facts').offsetHeight > 0")
        page.click('.card[data-open="true"] .to-tile')
        page.until(f"{OPEN} === 0 && {TILES} === 12")
        # The one that was open has the focus, so that a keyboard opens it again.
        assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Open bed 3"
        page.key("Enter")
        page.until(f"{OPEN} === 1")
        page.key("Escape")
        page.until(f"{OPEN} === 0")
        assert page.complaints() == []
