"""Drawings in a real browser: to scale in print, no wider than their page, quiet, in light and dark."""

from __future__ import annotations

import re
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest
from devtools import Page

from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.events import Beat
from ecgedge.report.drawing.charts import Minute, Span, bars, timeline, trend
from ecgedge.report.drawing.paper import rows
from ecgedge.report.drawing.scatter import histogram, poincare
from ecgedge.report.drawing.style import CSS, PAINTS
from ecgedge.report.drawing.svg import scrolling

PX_MM = 96 / 25.4  # what CSS calls a millimetre
CLOCK = datetime(2026, 11, 29, 23, 59, 50)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of each drawing."""
    ecg = synthesize([Segment("pvc", 30.0, 70.0)], 130.0, seed=1)
    beats = [Beat(r, r / 130, None, s) for r, s in zip(ecg.beats.tolist(), ecg.symbols.tolist(), strict=True)]
    rr = [1000 * (b.time_s - a.time_s) for a, b in pairwise(beats)]
    minutes = [Minute(60.0 * i, 55 + i % 7, 60 + i % 9, 75 + i % 5) for i in range(1440)]
    spans = [Span(0, 40_000, "N"), Span(40_000, 50_000, "A"), Span(50_000, 86_400, "O")]
    drawings = [
        rows(ecg.mv, 130.0, beats=beats, refused=[(8.0, 14.0)], label="<Streifen> & more", clock=CLOCK),
        *map(scrolling, (
            trend(minutes, seconds=86_400, clock=CLOCK),
            timeline(spans, seconds=86_400, clock=CLOCK),
            bars([3, 0, None, 12] * 6, label="VEB by the hour", clock=CLOCK),
            poincare(list(pairwise(rr)), sd1_ms=30, sd2_ms=60),
            histogram(rr, label="RR", unit="RR interval, ms"),
        )),
    ]  # fmt: skip
    path = tmp_path_factory.mktemp("page") / "drawings.html"
    page = "@page{size:A4;margin:10mm}body{margin:0;font-family:sans-serif}@media screen{body{margin:8px}}"
    path.write_text(
        '<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width">'
        "<meta name=color-scheme content='light dark'><title>Drawings</title>"
        f"<style>{page}{CSS}</style>{''.join(drawings)}"
    )
    return path


# Of each strip: how long 10 mm of it are on the screen, upwards and along, and where it ends.
MEASURED = """[...document.querySelectorAll('svg.ecg')].map(svg => {
    const to = svg.getScreenCTM(), box = svg.getBoundingClientRect();
    return {up: 10 * to.d, along: 10 * to.a, right: box.right, width: box.width,
            mm: svg.viewBox.baseVal.width};
})"""


def test_print_is_true_to_scale_and_fits_the_page(page: Page, file: Path) -> None:
    page.screen(round(190 * PX_MM), 1000, media="print")  # A4 less its margins
    page.open(file)
    found = page.evaluate(MEASURED)
    assert len(found) == 10
    for each in found:
        assert each["up"] == pytest.approx(37.8, abs=0.02)  # 1 mV at 96 dots an inch
        assert each["along"] == pytest.approx(37.8, abs=0.02)
        assert each["width"] == pytest.approx(each["mm"] * PX_MM, abs=0.5)
        assert each["right"] <= 190 * PX_MM + 0.5


def test_the_calibration_pulse_is_10_mm_high(page: Page, file: Path) -> None:
    page.screen(round(190 * PX_MM), 1000, media="print")
    page.open(file)
    box = page.evaluate(
        "(p => {const b = p.getBBox(), m = p.getScreenCTM(); return [b.width * m.a, b.height * m.d]})"
        "(document.querySelector('path.trace'))"
    )
    assert box[1] == pytest.approx(37.8, abs=0.02)
    assert box[0] == pytest.approx((5 + 2) * PX_MM, abs=0.02)  # 0.2 s, and a millimetre before and behind


def test_it_prints_on_a4(page: Page, file: Path) -> None:
    page.open(file)
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", page.pdf())
    assert len(boxes) >= 2
    for box in boxes:
        assert [float(points) / 72 * 25.4 for points in box] == pytest.approx([210, 297], abs=0.5)


def test_it_fetches_nothing_and_complains_of_nothing(page: Page, file: Path) -> None:
    page.open(file)
    assert page.requests() == []
    assert page.complaints() == []


def test_the_harness_sees_requests_and_complaints(page: Page, tmp_path: Path) -> None:
    """Or the test above would pass whatever the page does."""
    bad = tmp_path / "bad.html"
    bad.write_text("<!doctype html><img src='http://127.0.0.1:9/a.png'><script>console.error('no')</script>")
    page.open(bad)
    assert page.requests() == ["http://127.0.0.1:9/a.png"]
    assert any("'no'" in each for each in page.complaints())


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_screen_scrolls_sideways(page: Page, file: Path, width: int) -> None:
    page.screen(width, 844)
    page.open(file)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    boxes = page.evaluate(
        "[...document.querySelectorAll('.ecg-drawing')].map(b => b.getBoundingClientRect().right)"
    )
    assert max(boxes) <= width
    # What does not fit can be scrolled to, in its own box.
    reach = page.evaluate(
        "[...document.querySelectorAll('.ecg-drawing')]"
        ".map(b => b.scrollWidth >= b.firstChild.getBoundingClientRect().width - 1)"
    )
    assert all(reach)


@pytest.mark.parametrize(("media", "dark", "column"), [
    ("screen", False, 1), ("screen", True, 2), ("print", True, 1), ("print", False, 1),
])  # fmt: skip
def test_colours_follow_the_screen_and_print_is_light(
    page: Page, file: Path, media: str, dark: bool, column: int
) -> None:
    page.screen(1280, 900, dark=dark, media=media)
    page.open(file)
    for name in ("paper", "trace", "word", "rhythm-A"):
        what = PAINTS[name][0]
        shown = page.evaluate(f"getComputedStyle(document.querySelector('.{name}')).{what}")
        red, green, blue = (int(PAINTS[name][column][at : at + 2], 16) for at in (1, 3, 5))
        assert shown == f"rgb({red}, {green}, {blue})"


def test_no_words_lie_on_others(page: Page, tmp_path: Path) -> None:
    lengths = (10, 61, 360, 3600, 7200.0, 50_000, 86_400, 7 * 86_400)
    minutes = [Minute(0.0, 55, 60, 75)]
    drawn = [trend(minutes, seconds=s, clock=clock) for s in lengths for clock in (None, CLOCK)]
    file = tmp_path / "axes.html"
    file.write_text(f"<!doctype html><meta charset=utf-8><style>{CSS}</style>{''.join(drawn)}")
    page.open(file)
    overlaps = page.evaluate(
        """[...document.querySelectorAll('svg.ecg')].flatMap(svg => {
            const words = [...svg.querySelectorAll('text')]
                .map(t => [t.textContent, t.getBoundingClientRect()]);
            return words.flatMap(([one, a], i) => words.slice(i + 1).filter(([, b]) =>
                a.left < b.right && b.left < a.right && a.top < b.bottom - 2 && b.top < a.bottom - 2
            ).map(([other]) => [one, other]));
        })"""
    )
    assert overlaps == []


def test_no_words_leave_their_drawing(page: Page, file: Path) -> None:
    page.screen(1280, 900)
    page.open(file)
    outside = page.evaluate(
        """[...document.querySelectorAll('svg.ecg text')].filter(t => {
            const a = t.getBoundingClientRect(), b = t.closest('svg').getBoundingClientRect();
            return a.left < b.left - 1 || a.right > b.right + 1
                || a.top < b.top - 1 || a.bottom > b.bottom + 1;
        }).map(t => t.textContent)"""
    )
    assert outside == []
