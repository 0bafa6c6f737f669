"""Who sees the live page and who does not; what it asks for, and whether everybody can use it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import axe
import pytest
from devtools import Page
from live import FS, SHOWS_TRACE, Stream, pulses, serving

from ecgedge.sinks.web.hub import Hub

PICTURES = Path(__file__).parents[2] / "build" / "browser"
SCREENS = [(1440, 900, False), (1440, 900, True), (390, 844, False), (390, 844, True)]
# Whether a page gets a connection.
TRIES = """new Promise(done => Object.assign(new WebSocket(%r),
    {onopen: () => done('open'), onerror: () => done('refused')}))"""


def test_it_asks_nobody_else_and_complains_of_nothing(page: Page, long_url: str) -> None:
    page.open(long_url)
    page.until(SHOWS_TRACE)
    assert page.requests()
    assert all(each.startswith((long_url, "ws" + long_url[4:])) for each in page.requests())
    assert page.complaints() == []


def test_its_policy_stops_a_foreign_script(page: Page, long_url: str) -> None:
    page.open(long_url)
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'run = 1'}))"
    )
    assert page.evaluate("window.run") is None
    assert any("Content Security Policy" in each for each in page.complaints())


def test_without_the_token_nothing_is_shown(page: Page, hub: Hub) -> None:
    Stream(hub.add("a person's name"), pulses(5, FS)).play()
    token = "correct-horse-battery"
    with serving(hub, token=token) as server:
        address = server.url.split("?")[0]
        page.open(address)
        assert "person" not in page.evaluate("document.documentElement.outerHTML")
        assert page.evaluate(TRIES % "/stream") == "refused"
        page.evaluate("document.querySelector('input').focus()")
        page.call("Input.insertText", text="wrong-horse-battery")
        page.key("Enter")
        page.until("document.querySelector('[role=alert]')?.textContent.trim()")
        page.evaluate("document.querySelector('input').focus()")
        page.call("Input.insertText", text=token)
        page.key("Enter")
        page.until("document.querySelector('.card h2')?.textContent == \"a person's name\"")
        assert token not in page.evaluate("location.href")
        assert page.evaluate("document.cookie") == ""


def test_who_is_let_in_no_more_is_asked_for_the_token(page: Page, hub: Hub) -> None:
    Stream(hub.add("virtual strap"), pulses(5, FS)).play()
    with serving(hub) as server:
        page.open(server.url)
        page.until("document.querySelector('.card')")
    with serving(hub, port=server.port, token="correct-horse-battery"):
        page.until("document.querySelector('input[name=token]')")


def test_another_sites_page_reads_nothing_and_marks_nothing(page: Page, hub: Hub, tmp_path: Path) -> None:
    marks: list[str] = []
    Stream(hub.add("virtual strap", mark=marks.append), pulses(5, FS)).play()
    foreign = tmp_path / "foreign.html"
    foreign.write_text("<!doctype html><title>foreign</title>")
    with serving(hub) as server:
        page.open(foreign)
        stream = server.url.replace("http", "ws") + "stream"
        assert page.evaluate(TRIES % stream) == "refused"
        body = json.dumps({"wearable": 0, "text": "not me"})
        options = f"{{method: 'POST', mode: 'no-cors', body: {body!r}}}"
        page.evaluate(f"fetch('{server.url}mark', {options}).then(() => 1, () => 0)")
    assert marks == []


@pytest.mark.parametrize("width", [320, 390, 768, 1440])
def test_no_screen_scrolls_sideways(page: Page, long_url: str, width: int) -> None:
    page.screen(width, 844)
    page.open(long_url)
    page.until(SHOWS_TRACE)
    page.click("[data-is=timeline]")
    page.until("!document.querySelector('[data-is=strip]').hidden")
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width


@pytest.fixture(scope="module")
def axe_core() -> str:
    try:
        return axe.source()
    except axe.CannotHaveError as why:
        pytest.skip(str(why))


@pytest.mark.parametrize(("width", "height", "dark"), SCREENS)
def test_it_is_accessible(
    page: Page, long_url: str, axe_core: str, width: int, height: int, dark: bool
) -> None:
    page.screen(width, height, dark=dark)
    page.open(long_url)
    page.until(SHOWS_TRACE)
    page.click("[data-is=timeline]", 0.4)
    page.until("!document.querySelector('[data-is=strip]').hidden")
    page.evaluate(axe_core + ";1")
    found: list[dict[str, Any]] = page.evaluate(
        "axe.run().then(r => r.violations"
        ".map(v => ({id: v.id, impact: v.impact, where: v.nodes.map(n => n.html)})))"
    )
    assert [fault for fault in found if fault["impact"] in ("serious", "critical")] == []


@pytest.mark.parametrize(("width", "height", "dark"), SCREENS)
def test_pictures_for_a_person_to_look_at(
    page: Page, long_url: str, width: int, height: int, dark: bool
) -> None:
    page.call("Emulation.setScrollbarsHidden", hidden=True)
    page.screen(width, height, dark=dark)
    page.open(long_url)
    page.until(SHOWS_TRACE)
    PICTURES.mkdir(parents=True, exist_ok=True)
    file = PICTURES / f"live-{width}x{height}-{'dark' if dark else 'light'}.png"
    page.picture(file)
    assert file.stat().st_size > 20_000
