"""The phone's page for everybody: on each screen, by finger, by key, with a screen reader; and pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import axe
import phone_shown
import pytest
from devtools import Browser, Page
from live import SHOWS_TRACE
from page_site import CHOSEN, NO_BLUETOOTH, RECORDINGS, Site, show

PICTURES = Path(__file__).parents[3] / "build" / "browser"
SCREENS = [(390, 844, False), (390, 844, True), (1440, 900, True), (844, 390, False)]
VIEWS = ("start", "measuring", "sure", "no-bluetooth")
# What a finger should hit: 44 CSS pixels, or a part of something that has them.
SMALL = """[...document.querySelectorAll('button, summary, label, input, a')].filter(e => {
    const whole = e.closest('label, button, summary') ?? e, b = whole.getBoundingClientRect();
    return e.checkVisibility() && !e.closest('.unseen') && b.width > 0 && (b.height < 43.5 || b.width < 43.5);
}).map(e => `${e.outerHTML.slice(0, 80)} ${e.getBoundingClientRect().height}`)"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the page is."""
    with Site(tmp_path_factory.mktemp("site"), recordings=RECORDINGS).serving() as address:
        yield address


def bring(page: Page, url: str, view: str) -> None:
    """Open the page, and bring it to a view."""
    show(page, url, NO_BLUETOOTH if view == "no-bluetooth" else CHOSEN)
    if view == "measuring":
        page.click("#connect")
        page.until(SHOWS_TRACE)
        page.click("[data-is=timeline]", 0.4)
        page.until("!document.querySelector('[data-is=strip]').hidden")
    elif view == "sure":
        page.click("#delete-all")
        page.until("document.getElementById('sure')?.open")
    else:
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")


@pytest.fixture(scope="module")
def axe_core() -> str:
    try:
        return axe.source()
    except axe.CannotHaveError as why:
        pytest.skip(str(why))


@pytest.mark.parametrize(("width", "height", "dark"), SCREENS)
@pytest.mark.parametrize("view", VIEWS)
def test_it_is_accessible_and_a_picture_is_there_for_a_person_to_look_at(
    page: Page, url: str, axe_core: str, view: str, width: int, height: int, dark: bool
) -> None:
    page.call("Emulation.setScrollbarsHidden", hidden=True)
    page.screen(width, height, dark=dark)
    bring(page, url, view)
    PICTURES.mkdir(parents=True, exist_ok=True)
    file = PICTURES / f"page-{view}-{width}x{height}-{'dark' if dark else 'light'}.png"
    page.picture(file)
    assert file.stat().st_size > 10_000
    page.evaluate(axe_core + ";1")
    found: list[dict[str, Any]] = page.evaluate(
        "axe.run().then(r => r.violations"
        ".map(v => ({id: v.id, impact: v.impact, where: v.nodes.map(n => n.html)})))"
    )
    assert found == []


@pytest.mark.parametrize("width", [320, 390, 768])
@pytest.mark.parametrize("view", VIEWS)
def test_no_screen_scrolls_sideways_and_a_finger_hits_each_target(
    page: Page, url: str, view: str, width: int
) -> None:
    page.screen(width, 844)
    bring(page, url, view)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    assert page.evaluate(SMALL) == []


def test_it_goes_by_keys(page: Page, url: str) -> None:
    """From the top with Tab, and Enter: a whole measurement."""
    show(page, url, CHOSEN)
    focus = "document.activeElement.id"
    page.key("Tab")
    assert page.evaluate(focus) == "connect"
    page.key("Tab")
    assert page.evaluate(focus) == "keep"
    page.evaluate("document.getElementById('connect').focus()")
    page.key("Enter")
    page.until("document.getElementById('state').textContent === 'measuring'")
    assert page.evaluate(focus) == "shown-title"
    assert page.evaluate("document.activeElement.textContent") == "ECG of Polar H10 A1B2C3D4"
    page.evaluate("document.getElementById('stop').focus()")
    page.key("Enter")
    page.until("document.getElementById('state').textContent === 'ended'")
    page.key("Enter")
    page.until("document.activeElement.id === 'connect'")


def test_with_reduced_motion_nothing_moves_by_itself(page: Page, url: str) -> None:
    page.screen(390, 844, still=True)
    show(page, url, CHOSEN)
    page.click("#connect")
    page.until(SHOWS_TRACE)
    assert page.evaluate("document.getAnimations().length") == 0


@pytest.mark.skipif(not phone_shown.BUILT.is_dir(), reason="the app is not built here: make phone")
def test_the_picture_of_the_documentation_can_be_taken(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phone_shown, "LIVE", 2)  # the trace need not be whole
    data = phone_shown.phone(browser, 50)
    assert (data[:4], data[8:12]) == (b"RIFF", b"WEBP")
