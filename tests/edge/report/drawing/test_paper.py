"""ECG paper: true to scale, the trace where the samples are, a break where they are missing."""

from __future__ import annotations

from datetime import datetime
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from svg_reading import Point, elements, lines, size_mm, words

from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.events import Beat
from ecgedge.report.drawing.paper import rows, strip
from ecgedge.report.drawing.scale import PAGE_MM, row_seconds
from ecgedge.report.drawing.trace import shown_points


def trace(drawn: str) -> list[list[Point]]:
    """Pieces of the trace; the first path of its colour is the calibration pulse."""
    return [piece for path in elements(drawn, "path", "trace")[1:] for piece in lines(path)]


def pulse(drawn: str) -> list[Point]:
    return lines(elements(drawn, "path", "trace")[0])[0]


def test_a_second_is_25_mm_and_a_millivolt_10() -> None:
    mv = np.zeros(500)
    mv[[100, 350]] = 1.0, -0.5
    (points,) = trace(strip(mv, 100.0, seconds=5.0))
    base = points[0].y
    assert points[100].x - points[0].x == pytest.approx(25.0, abs=0.011)
    assert base - points[100].y == pytest.approx(10.0, abs=0.011)
    assert points[350].y - base == pytest.approx(5.0, abs=0.011)


@pytest.mark.parametrize(("gain", "speed"), [(10.0, 25.0), (20.0, 50.0), (5.0, 12.5)])
def test_the_calibration_pulse_is_one_millivolt_and_a_fifth_of_a_second(gain: float, speed: float) -> None:
    points = pulse(strip(np.zeros(500), 100.0, seconds=5.0, gain_mm_mv=gain, speed_mm_s=speed))
    ys, xs = [p.y for p in points], [p.x for p in points]
    assert max(ys) - min(ys) == pytest.approx(gain)
    top = [p.x for p in points if p.y == min(ys)]
    assert top[-1] - top[0] == pytest.approx(0.2 * speed)
    assert max(xs) < 0.2 * speed + 5.0 <= 15.0  # left of the trace


def test_width_and_height_in_millimetres_are_the_view_box() -> None:
    drawn = strip(np.zeros(1300), 130.0, seconds=10.0)
    width, height = size_mm(drawn)
    assert width == 260.0  # 250 mm of trace, 10 mm for the pulse
    assert ET.fromstring(drawn).get("viewBox") == f"0 0 {width:g} {height:g}"


def test_the_grid_has_a_line_each_millimetre_and_a_strong_one_each_five() -> None:
    drawn = strip(np.zeros(200), 100.0, seconds=2.0)
    for colour, step in (("fine", 1.0), ("strong", 5.0)):
        pieces = lines(elements(drawn, "path", colour)[0])
        upright = sorted({a.x for a, b in pieces if a.x == pytest.approx(b.x)})
        level = sorted({a.y for a, b in pieces if a.y == pytest.approx(b.y)})
        assert np.diff(upright) == pytest.approx(step)
        assert np.diff(level) == pytest.approx(step)
        assert (upright[0], upright[-1]) == (0.0, 60.0)
        assert any(x == pytest.approx(trace(drawn)[0][0].x) for x in upright)  # counted from the trace
        assert any(y == pytest.approx(trace(drawn)[0][0].y) for y in level)  # and from the baseline


def test_the_baseline_is_the_median() -> None:
    mv = np.zeros(500)
    mv[::50] = 1.0
    assert trace(strip(mv + 3.7, 100.0, seconds=5.0)) == trace(strip(mv, 100.0, seconds=5.0))


def test_an_r_peak_is_below_its_mark() -> None:
    ecg = synthesize([Segment("sinus", 10.0, 70.0)], 130.0, seed=3)
    beats = [Beat(1300 + r, 10.0 + r / 130.0, None, "N") for r in ecg.beats.tolist()]
    drawn = strip(ecg.mv, 130.0, start_s=10.0, seconds=10.0, beats=beats)
    marks = [float(each.get("cx", "")) for each in elements(drawn, "circle", "beat-N")]
    assert len(marks) == len(beats) > 8
    (points,) = trace(drawn)
    for mark in marks:
        near = [p for p in points if abs(p.x - mark) < 5]
        assert min(near, key=lambda p: p.y).x == pytest.approx(mark, abs=0.2)  # a sample is 0.19 mm


@pytest.mark.parametrize("symbol", ["S", "V", "F", "Q"])
def test_other_beats_are_letters(symbol: str) -> None:
    drawn = strip(np.zeros(500), 100.0, seconds=5.0, beats=[Beat(200, 2.0, None, symbol)])
    (mark,) = elements(drawn, "text", f"beat-{symbol}")
    assert (mark.text, mark.get("x")) == (symbol, "60")
    assert not elements(drawn, "circle")


def test_beats_of_other_stretches_are_left_out() -> None:
    beats = [Beat(int(100 * t), t, None, "N") for t in (4.99, 5.0, 9.99, 10.0)]
    drawn = strip(np.zeros(500), 100.0, start_s=5.0, seconds=5.0, beats=beats)
    assert len(elements(drawn, "circle", "beat-N")) == 2


def test_missing_samples_break_the_trace() -> None:
    mv = np.zeros(1000)
    mv[300:500] = np.nan
    drawn = strip(mv, 100.0, seconds=10.0)
    first, second = trace(drawn)
    assert first[-1].x == pytest.approx(10 + 299 * 0.25, abs=0.011)
    assert second[0].x == pytest.approx(10 + 500 * 0.25, abs=0.011)
    (grey,) = elements(drawn, "rect", "lost")
    assert (grey.get("x"), grey.get("width")) == ("85", "50")
    assert "no signal" in words(drawn)


def test_a_stretch_with_no_sample_has_no_trace() -> None:
    drawn = strip(np.full(500, np.nan), 100.0, seconds=5.0)
    assert trace(drawn) == []
    assert "no signal" in words(drawn)


def test_a_lone_sample_between_missing_ones_is_seen() -> None:
    mv = np.full(500, np.nan)
    mv[250] = 0.0
    ((first, second),) = trace(strip(mv, 100.0, seconds=5.0))
    assert first == second  # a line of no length, whose round ends are a dot


def test_what_leaves_the_paper_is_cut_and_said_to_be() -> None:
    mv = np.zeros(1000)
    mv[400:600] = 8.0
    mv[700:720] = -8.0
    drawn = strip(mv, 100.0, seconds=10.0)
    (points,) = trace(drawn)
    paper = elements(drawn, "rect", "paper")[0]
    top, height = float(paper.get("y", "")), float(paper.get("height", ""))
    assert min(p.y for p in points) == pytest.approx(top)
    assert max(p.y for p in points) == pytest.approx(top + height)
    assert height == 50.0
    assert words(drawn).count("cut") == 2
    assert "cut" not in words(strip(np.sin(np.arange(1000) / 9), 100.0, seconds=10.0))


def test_a_refused_stretch_is_hatched_within_its_borders() -> None:
    drawn = strip(np.zeros(1000), 100.0, start_s=20.0, seconds=10.0, refused=[(22.0, 24.0), (40.0, 50.0)])
    points = [p for path in elements(drawn, "path", "hatch") for piece in lines(path) for p in piece]
    assert (min(p.x for p in points), max(p.x for p in points)) == pytest.approx((60.0, 110.0), abs=0.02)
    paper = elements(drawn, "rect", "paper")[0]
    top, bottom = float(paper.get("y", "")), float(paper.get("y", "")) + float(paper.get("height", ""))
    assert top - 0.02 <= min(p.y for p in points)
    assert max(p.y for p in points) <= bottom + 0.02
    assert words(drawn).count("not analysed") == 1


def test_the_axis_tells_seconds_of_the_recording_or_the_time_of_day() -> None:
    drawn = strip(np.zeros(500), 100.0, start_s=58.5, seconds=5.0)
    ticks = {"".join(e.itertext()): float(e.get("x", "")) for e in elements(drawn, "text", "faint")}
    assert ticks["0:59"] == 22.5
    assert ticks["1:01"] == 72.5
    drawn = strip(np.zeros(500), 100.0, start_s=3600.0, seconds=5.0, clock=datetime(2026, 11, 29, 22, 59, 58))
    ticks = {"".join(e.itertext()): float(e.get("x", "")) for e in elements(drawn, "text", "faint")}
    assert ticks["00:00:00"] == 60.0


HOSTILE = "</text></svg><script>alert(1)</script>&\"' \x00\x1b[2J \u202e" + "x" * 5000


def test_a_hostile_label_stays_text() -> None:
    drawn = rows(np.zeros(700), 100.0, label=HOSTILE)
    root = ET.fromstring(drawn)  # well-formed
    assert not [e for e in root.iter() if "script" in e.tag]
    assert all(ord(c) >= 32 and c != "\u202e" for c in drawn)
    assert any("<script>" in "".join(e.itertext()) for e in root.iter())
    assert len(drawn) < 20_000


def test_a_drawing_says_what_it_is_and_has_no_ids() -> None:
    drawn = strip(np.zeros(500), 100.0, seconds=5.0, label="Onset of AF")
    root = ET.fromstring(drawn)
    assert root.get("role") == "img"
    assert "Onset of AF" in root.get("aria-label", "")
    assert "25 mm/s" in root.get("aria-label", "")
    assert "".join(root[0].itertext()) == root.get("aria-label")
    assert not [e for e in root.iter() if e.get("id")]


def test_a_long_stretch_wraps_to_rows_of_a_page() -> None:
    ecg = synthesize([Segment("sinus", 60.0, 70.0)], 130.0, seed=3)
    beats = [Beat(r, r / 130.0, None, "N") for r in ecg.beats.tolist()]
    drawn = rows(ecg.mv, 130.0, beats=beats, label="A minute")
    each = [ET.tostring(e, encoding="unicode") for e in ET.fromstring(drawn)]
    assert len(each) == 9
    assert all(size_mm(one)[0] <= PAGE_MM for one in each)
    assert len({elements(one, "rect", "paper")[0].get("height") for one in each}) == 1
    points = sum(len(piece) for one in each for piece in trace(one))
    assert points == len(ecg.mv)  # every sample is on one row
    assert sum(len(elements(one, "circle", "beat-N")) for one in each) == len(beats)
    assert drawn.count(">A minute<") == 1
    assert len(drawn) < 100_000


@pytest.mark.parametrize("seconds", [1.0, 7.2, 7.3, 10.0, 30.0, 60.0, 61.7, 300.0])
def test_rows_are_even_and_fit(seconds: float) -> None:
    row = row_seconds(seconds)
    assert row <= 7.2
    assert row * -(-seconds // row) < seconds + row
    assert row >= min(seconds, 5.0) - 1e-9 or seconds < 10  # the last one is no stub of many short rows


def test_a_fast_signal_is_thinned_and_keeps_its_peaks() -> None:
    rng = np.random.default_rng(5)
    mv = rng.normal(0, 0.02, 20_000)
    mv[[3333, 7777]] = 1.3, -0.9
    drawn = strip(mv, 4000.0, seconds=5.0)
    (points,) = trace(drawn)
    assert len(points) < 2.6 * 5.0 * 25.0 / 0.1
    base = pulse(drawn)[0].y + float(np.median(mv)) * 10
    assert min(p.y for p in points) == pytest.approx(base - 13.0, abs=0.02)
    assert max(p.y for p in points) == pytest.approx(base + 9.0, abs=0.02)
    highest = min(points, key=lambda p: p.y)
    assert highest.x == pytest.approx(10 + 3333 / 4000 * 25, abs=0.011)


def test_of_each_column_its_lowest_and_highest_stay() -> None:
    values = np.random.default_rng(1).normal(size=1003)
    kept = shown_points(values, 0.01)  # ten samples in a column
    assert np.all(np.diff(kept) > 0)
    assert (kept[0], kept[-1]) == (0, 1002)
    for column in range(0, 1003, 10):
        part = values[column : column + 10]
        assert {column + int(part.argmin()), column + int(part.argmax())} <= set(kept.tolist())


@pytest.mark.parametrize("wrong", [{"fs": 0.0}, {"seconds": 0.0}, {"gain_mm_mv": -1.0}, {"speed_mm_s": 0.0}])
def test_an_impossible_scale_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        strip(np.zeros(10), **{"fs": 100.0, **wrong})
