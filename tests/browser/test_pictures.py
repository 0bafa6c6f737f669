"""Pictures of the documentation: each is made by the script, and shows what the product shows now."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pictures
import played_page
import pytest
import terminal
from devtools import Page
from rich.text import Text

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMES = {*pictures.DRAWN, *pictures.TAKEN, *pictures.WITH_RADIO}


# As Markdown, or as HTML where a width is given; never without words for who cannot see it.
SHOWN = re.compile(r"""(?:!\[[^\]]+\]\(|<img alt="[^"]+" src=")(?:docs/)?images/([^)"]+)""")


def named() -> set[str]:
    """Pictures that a page shows."""
    return {name for page in PAGES for name in SHOWN.findall(page.read_text("utf-8"))}


def without_figures(svg: str) -> list[str]:
    """Its lines, but for digits and how far apart words stand."""
    return [re.sub(r"\s+", " ", re.sub(r"\d+", "#", line)) for line in terminal.text(svg)]


def test_pages_show_what_the_script_makes_and_nothing_else() -> None:
    assert named() == NAMES == {path.name for path in pictures.FOLDER.iterdir()}


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_picture_is_small_and_fetches_nothing(name: str) -> None:
    data = (pictures.FOLDER / name).read_bytes()
    assert len(data) < 150_000
    if name.endswith(".svg"):
        ET.fromstring(data)
        foreign = re.findall(r"url\((?!#)|href|@import|<script|@font-face", data.decode())
        assert foreign == []
    else:
        assert (data[:4], data[8:12]) == (b"RIFF", b"WEBP")


def test_the_live_view_is_what_the_terminal_shows_now() -> None:
    pytest.importorskip("bumble", reason="the extra sim is not installed")
    kept = (pictures.FOLDER / "terminal.svg").read_text("utf-8")
    assert terminal.text(pictures.live_view()) == terminal.text(kept), "run `make pictures`"


def test_the_ending_is_what_the_demonstration_says_now() -> None:
    pytest.importorskip("bumble", reason="the extra sim is not installed")
    kept = (pictures.FOLDER / "ending.svg").read_text("utf-8")
    assert without_figures(pictures.ending()) == without_figures(kept), "run `make pictures`"


def test_a_terminal_is_drawn_as_its_cells_are() -> None:
    """A character of braille and of a frame, each at its place, and what is written as text."""
    shown = Text("a").append("⠁⢀", style="red").append("─│", style="green")
    svg = terminal.picture(shown, "<t>", width=10, height=1)
    assert terminal.text(svg) == ["a⠁⢀─│"]
    paths = [
        element.get("d") or "" for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}path")
    ]
    dots, line, bar = paths
    # The first dot of the second cell, the last one of the third.
    assert dots == "M15.25 3.05h0M33.55 21.35h0"
    assert line == "M36.6 12.2h12.2"
    assert bar == "M54.9 0V24.4"
    assert ET.fromstring(svg)[0].text == "<t>"


def test_the_pages_still_have_what_is_taken(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(played_page, "LIVE_S", 1.0)  # the trace need not be full
    for take in pictures.TAKEN.values():
        data = take(page, tmp_path)
        assert (data[:4], data[8:12]) == (b"RIFF", b"WEBP")
