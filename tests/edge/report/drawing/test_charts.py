"""Charts: each value at its place, gaps as gaps, small files for whole days."""

from __future__ import annotations

from datetime import datetime
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from svg_reading import Point, elements, lines, size_mm, words

from ecgedge.report.drawing.axes import time_ticks
from ecgedge.report.drawing.charts import KINDS, Minute, Span, bars, timeline, trend
from ecgedge.report.drawing.scale import PAGE_MM
from ecgedge.report.drawing.scatter import histogram, poincare
from ecgedge.report.drawing.style import CSS, PAINTS

DAY_S = 86_400.0
LEFT_MM, RIGHT_MM = 34.0, PAGE_MM


def day() -> list[Minute]:
    bpm = 62 + 10 * np.sin(np.arange(1440) / 230)
    return [Minute(60.0 * i, b - 7, b, b + 9) for i, b in enumerate(bpm.tolist())]


def value_at(drawn: str, y: float) -> float:
    """What stands at a height, by the numbers of the axis."""
    numbers = [
        e for e in elements(drawn, "text", "faint") if e.get("text-anchor") == "end" and e.get("x") == "32.8"
    ]
    (low, low_y), (high, high_y) = (
        (float("".join(e.itertext())), float(e.get("y", "")) - 0.9) for e in (numbers[0], numbers[-1])
    )
    return low + (y - low_y) / (high_y - low_y) * (high - low)


def time_at(x: float, seconds: float) -> float:
    return (x - LEFT_MM) / (RIGHT_MM - LEFT_MM) * seconds


def test_a_trend_passes_through_its_minutes() -> None:
    minutes = [Minute(0, 55, 60, 70), Minute(60, 58, 66, 90), Minute(120, 61, 72, 110)]
    drawn = trend(minutes, seconds=180)
    (line,) = (piece for path in elements(drawn, "path", "line") for piece in lines(path))
    for point, minute in zip(line, minutes, strict=True):
        assert time_at(point.x, 180) == pytest.approx(minute.time_s + 30, abs=0.1)
        assert value_at(drawn, point.y) == pytest.approx(minute.mean_bpm, abs=0.05)
    (band,) = (piece for path in elements(drawn, "path", "band") for piece in lines(path))
    assert [value_at(drawn, p.y) for p in band] == pytest.approx([70, 90, 110, 61, 58, 55], abs=0.05)


def test_a_minute_without_a_rate_breaks_the_trend() -> None:
    known = [Minute(60.0 * i, 50, 60, 70) for i in range(10)]
    known[4] = Minute(240.0, None, None, None)
    known[6] = Minute(360.0, None, None, None)  # leaves the one before it alone
    pieces = [piece for path in elements(trend(known, seconds=600), "path", "line") for piece in lines(path)]
    assert [len(piece) for piece in pieces] == [4, 2, 3]
    assert time_at(pieces[1][-1].x - pieces[1][0].x + LEFT_MM, 600) == pytest.approx(60, abs=0.1)


def test_a_day_of_trend_is_small_and_keeps_its_extremes() -> None:
    minutes = day()
    minutes[700] = Minute(42_000.0, 31.0, 60.0, 170.0)
    drawn = trend(minutes, seconds=DAY_S)
    band = [p for path in elements(drawn, "path", "band") for piece in lines(path) for p in piece]
    assert value_at(drawn, min(p.y for p in band)) == pytest.approx(170, abs=0.1)
    assert value_at(drawn, max(p.y for p in band)) == pytest.approx(31, abs=0.1)
    highest = min(band, key=lambda p: p.y)
    assert time_at(highest.x, DAY_S) == pytest.approx(42_030, abs=180)
    assert len(drawn) < 25_000
    assert size_mm(drawn)[0] == PAGE_MM


def test_a_trend_of_nothing_is_drawn() -> None:
    for minutes in ([], [Minute(0, None, None, None)]):
        assert not elements(trend(minutes, seconds=60), "path", "line")


def boxes(drawn: str, colour: str) -> list[list[Point]]:
    return [piece for path in elements(drawn, "path", colour) for piece in lines(path)]


def test_a_timeline_has_a_row_for_each_kind_and_each_stretch_at_its_time() -> None:
    spans = [Span(0, 3600, "N"), Span(3600, 5400, "A"), Span(5400, 7200, "N"), Span(1800, 1802, "gap")]
    drawn = timeline(spans, seconds=7200.0)
    assert [w for w in words(drawn) if w in {name for name, _ in KINDS.values()}] == [
        "sinus rhythm", "atrial fibrillation", "no signal",
    ]  # fmt: skip
    (af,) = boxes(drawn, "rhythm-A")
    assert time_at(af[0].x, 7200) == pytest.approx(3600, abs=15)
    assert time_at(max(p.x for p in af), 7200) == pytest.approx(5400, abs=15)
    assert len(boxes(drawn, "rhythm-N")) == 2
    heights = [boxes(drawn, colour)[0][0].y for colour in ("rhythm-N", "rhythm-A", "faint")]
    assert heights == sorted(set(heights))  # each in its own row


def test_a_short_episode_in_a_day_can_be_seen() -> None:
    spans = [Span(0, DAY_S, "N"), Span(DAY_S - 0.5, DAY_S, "A"), Span(10.0, 10.5, "O")]
    drawn = timeline(spans, seconds=DAY_S)
    for colour in ("rhythm-A", "rhythm-O"):
        (box,) = boxes(drawn, colour)
        assert max(p.x for p in box) - box[0].x >= 0.25
        assert max(p.x for p in box) <= RIGHT_MM + 0.001


def test_a_chart_of_an_hour_holds_no_other_hours() -> None:
    spans = [Span(0, 2000, "N"), Span(2000, 3000, "A"), Span(5000, 90_000, "O")]
    drawn = timeline(spans, seconds=3600, start_s=2500)
    assert not boxes(drawn, "rhythm-N")
    for colour in ("rhythm-A", "rhythm-O"):
        (box,) = boxes(drawn, colour)
        assert box[0].x >= LEFT_MM - 0.01
        assert max(p.x for p in box) <= RIGHT_MM + 0.01
    assert time_at(max(p.x for p in boxes(drawn, "rhythm-A")[0]), 3600) == pytest.approx(500, abs=10)
    minutes = [Minute(60.0 * i, 50, 60, 70) for i in range(100)]
    line = [
        p for e in elements(trend(minutes, seconds=3600, start_s=2500), "path", "line") for p in lines(e)[0]
    ]
    assert time_at(line[0].x, 3600) + 2500 == pytest.approx(2550, abs=1)  # none is pushed to the edge
    assert max(p.x for p in line) <= RIGHT_MM


def test_a_day_of_changes_is_small() -> None:
    spans = [Span(10.0 * i, 10.0 * i + 10, "NAO~"[i % 4]) for i in range(8640)]
    assert len(timeline(spans, seconds=DAY_S)) < 60_000


def test_a_kind_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="not X"):
        timeline([Span(0, 1, "X")], seconds=1.0)


def test_bars_are_as_high_as_their_counts() -> None:
    counts = [4.0, 0.0, None, 16.0]
    drawn = bars(counts, label="VEB", unit="per hour", clock=datetime(2026, 11, 29, 22))
    high = {
        round(float(e.get("x", "")), 1): float(e.get("height", "")) for e in elements(drawn, "rect", "bar")
    }
    assert len(high) == 2
    small, large = (high[x] for x in sorted(high))
    assert large == pytest.approx(4 * small, abs=0.05)
    (grey,) = elements(drawn, "rect", "lost")
    assert float(grey.get("x", "")) == pytest.approx(LEFT_MM + (RIGHT_MM - LEFT_MM) / 2)
    assert {"4", "16", "23:00", "per hour"} <= set(words(drawn))


def test_a_poincare_plot_has_equal_scales_and_the_ellipse_of_its_measures() -> None:
    rng = np.random.default_rng(1)
    rr = 900 + rng.normal(0, 40, 2000)
    pairs = np.stack((rr[:-1], rr[1:]), axis=1)
    drawn = poincare(pairs, sd1_ms=30.0, sd2_ms=60.0)
    ellipse = elements(drawn, "ellipse", "mark")[0]
    assert float(ellipse.get("rx", "")) == pytest.approx(2 * float(ellipse.get("ry", "")), abs=0.02)
    assert ellipse.get("transform", "").startswith("rotate(-45")  # SD2 along the diagonal, which rises
    across = {
        w: float(e.get("x", ""))
        for e in elements(drawn, "text", "faint")
        if (w := e.text or "").isdigit() and e.get("text-anchor") == "middle"
    }
    up = {
        w: float(e.get("y", ""))
        for e in elements(drawn, "text", "faint")
        if (w := e.text or "").isdigit() and e.get("text-anchor") == "end"
    }
    a, b = sorted(across, key=int)[:2]
    mm_per_ms = (across[b] - across[a]) / (int(b) - int(a))
    assert (up[a] - up[b]) / (int(b) - int(a)) == pytest.approx(mm_per_ms, abs=1e-4)
    assert float(ellipse.get("rx", "")) == pytest.approx(60 * mm_per_ms, abs=0.011)
    assert float(ellipse.get("cx", "")) == pytest.approx(
        across[a] + (pairs[:, 0].mean() - int(a)) * mm_per_ms, abs=0.02
    )


def test_the_pairs_of_a_day_are_few_squares() -> None:
    rng = np.random.default_rng(1)
    rr = rng.uniform(300, 2000, 100_001)  # no heart does: every cell is hit
    drawn = poincare(np.stack((rr[:-1], rr[1:]), axis=1))
    assert len(drawn) < 400_000
    assert not elements(drawn, "ellipse")
    one = poincare([[800, 1000]])
    assert sum(len(boxes(one, c)) for c in ("dot", "dot-some", "dot-few")) == 1


def test_a_histogram_counts() -> None:
    values = [800.0] * 30 + [900.0] * 10 + [float("nan")] * 5
    drawn = histogram(values, label="RR", unit="ms", width=50.0)
    heights = [float(e.get("height", "")) for e in elements(drawn, "rect", "bar")]
    assert heights[0] == pytest.approx(3 * heights[1], abs=0.05)
    assert len(heights) == 2
    assert ET.fromstring(histogram([], label="RR", unit="ms")) is not None


@pytest.mark.parametrize("drawn", [
    trend(day(), seconds=DAY_S, label="<b>&"),
    timeline([Span(0, 5, "N")], seconds=5, label="<b>&"),
    bars([1], label="<b>&", unit="<i>"),
    poincare([[1, 2]], label="<b>&"),
    histogram([1, 2], label="<b>&", unit="<i>"),
])  # fmt: skip
def test_every_chart_says_what_it_is(drawn: str) -> None:
    root = ET.fromstring(drawn)
    assert root.get("role") == "img"
    assert root.get("aria-label") == "<b>&"
    assert "<b>&" in words(drawn)
    width, height = size_mm(drawn)
    for e in root.iter():
        if e.get("x") and e.tag.endswith("text"):
            assert 0 <= float(e.get("x", "")) <= width
            assert 0 <= float(e.get("y", "")) <= height


def test_each_colour_is_set_by_a_class_and_by_a_variable() -> None:
    for name, (what, light, dark) in PAINTS.items():
        assert f"svg.ecg .{name}{{{what}:var(--ecg-{name})}}" in CSS
        assert f"--ecg-{name}:{light}" in CSS.split("@media")[0]
        assert f"--ecg-{name}:{dark}" in CSS.split("@media")[1]


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("name", ["word", "faint", "trace", "beat-N", "beat-S", "beat-V", "beat-F", "beat-Q"])
@pytest.mark.parametrize("column", [1, 2])
def test_what_is_read_has_contrast(name: str, column: int) -> None:
    """4.5 to 1 (WCAG 2.2, AA), on a page as on paper."""
    for ground in (PAINTS["paper"][column], PAINTS["halo"][column]):
        light, dark = sorted((luminance(PAINTS[name][column]), luminance(ground)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5


@pytest.mark.parametrize(
    ("seconds", "step"), [(10, 2), (60, 10), (600, 60), (7200, 600), (DAY_S, 7200), (14 * DAY_S, 2 * DAY_S)]
)
def test_ticks_are_round_times_of_day(seconds: float, step: float) -> None:
    clock = datetime(2026, 11, 29, 21, 17, 33, 500_000)
    ticks = time_ticks(0.0, seconds, clock)
    assert 1 <= len(ticks) <= 15
    assert np.diff([t.time_s for t in ticks]) == pytest.approx(step)
    since_midnight = 21 * 3600 + 17 * 60 + 33.5
    assert all((t.time_s + since_midnight) % min(step, DAY_S) == pytest.approx(0, abs=1e-6) for t in ticks)
