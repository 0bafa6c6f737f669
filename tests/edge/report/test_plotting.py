"""`plot_strip`: paper to scale, beats by class, what the gate refused; by the real matplotlib."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes

import ecgedge
from ecgedge.demo.synthetic import Segment, synthesize

MM = 25.4


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    pyplot.switch_backend("agg")
    yield
    pyplot.close("all")


def size_mm(axes: Axes) -> tuple[float, float]:
    box = axes.get_position()
    wide, high = axes.figure.get_size_inches()
    return box.width * wide * MM, box.height * high * MM


@pytest.mark.parametrize("seconds", [3.0, 10.0, 33.3])
def test_a_second_is_25_mm_and_a_millivolt_10(seconds: float) -> None:
    mv = np.random.default_rng(1).normal(0, 0.3, round(seconds * 130))
    for axes in ecgedge.plot_strip(mv, 130.0):
        wide, high = size_mm(axes)
        left, right = axes.get_xlim()
        low, top = axes.get_ylim()
        assert wide / (right - left) == pytest.approx(25.0)
        assert high / (top - low) == pytest.approx(10.0)


def test_it_fits_a_page_and_rows_hold_all_samples() -> None:
    mv = np.random.default_rng(1).normal(0, 0.3, 130 * 60)
    rows = ecgedge.plot_strip(mv, 130.0)
    assert rows[0].figure.get_size_inches()[0] * MM <= 190
    assert np.concatenate([axes.lines[0].get_ydata() for axes in rows]) == pytest.approx(mv, rel=1e-6)
    times = np.concatenate([axes.lines[0].get_xdata() for axes in rows])
    assert times == pytest.approx(np.arange(len(mv)) / 130)
    for axes in rows:
        left, right = axes.get_xlim()
        assert left - 1e-6 <= axes.lines[0].get_xdata()[0]
        assert axes.lines[0].get_xdata()[-1] < right + 1e-6


def test_rows_lie_within_the_figure_below_each_other() -> None:
    rows = ecgedge.plot_strip(np.zeros(130 * 30), 130.0)
    tall = rows[0].figure.get_size_inches()[1] * MM
    edges = [(axes.get_position().y1 * tall, axes.get_position().y0 * tall) for axes in rows]
    assert tall - edges[0][0] >= 5  # beats stand there
    assert edges[-1][1] >= 5  # and times there
    for (_, above), (below, _) in pairwise(edges):
        assert above - below >= 5


def test_beats_stand_over_their_peaks_and_refused_windows_are_shaded() -> None:
    ecg = synthesize([Segment("pvc", 10.0, 70.0), Segment("noise", 20.0, 70.0)], 130.0, seed=2)
    monitor = ecgedge.Monitor(fs=130.0)
    events = [*monitor.feed(ecg.mv), *monitor.finish()]
    rows = ecgedge.plot_strip(ecg.mv, 130.0, events)
    marked = [
        (text.xy[0], text.get_text())
        for axes in rows
        for text in axes.texts
        if text.get_text() != "not analysed"
    ]
    beats = [event for event in events if isinstance(event, ecgedge.Beat)]
    assert marked == [(b.time_s, "•" if b.symbol == "N" else b.symbol) for b in beats]
    assert any(mark == "V" for _, mark in marked)
    refused = [e for e in events if isinstance(e, ecgedge.Quality) and not e.accepted]
    assert refused
    shaded = sum(patch.get_width() for axes in rows for patch in axes.patches)
    assert shaded == pytest.approx(sum(e.end_s - e.start_s for e in refused), abs=0.1)


def test_the_picture_has_a_pink_grid_a_dark_trace_and_a_break(tmp_path: Path) -> None:
    mv = np.zeros(500, np.float32)
    mv[200:300] = np.nan
    (axes,) = ecgedge.plot_strip(mv, 100.0)
    axes.figure.savefig(tmp_path / "strip.png", dpi=254)  # ten pixels a millimetre
    image = pyplot.imread(tmp_path / "strip.png")[..., :3]
    box = axes.get_window_extent().transformed(axes.figure.dpi_scale_trans.inverted()).extents * 254
    left, bottom, right, top = (round(v) for v in box)
    paper = image[::-1][bottom:top, left:right]
    base = round(-axes.get_ylim()[0] * 100)
    dark = paper[base - 3 : base + 4].max(axis=2).min(axis=0) < 0.35  # columns with the trace in them
    columns = np.flatnonzero(dark)
    assert columns.min() < 10
    assert columns.max() > 1200
    assert not dark[2 * 250 + 5 : 3 * 250 - 5].any()
    red, green = paper[..., 0].mean(), paper[..., 1].mean()
    assert red - green > 0.03  # the grid
    strong = paper[base + 20].mean(axis=1)  # a row of pixels off the trace and off level lines
    assert strong[248:253].min() < strong[270:280].min()  # a strong line each 5 mm, fine ones between


def test_a_stretch_of_a_recording() -> None:
    recording = ecgedge.Recording(np.arange(2000, dtype=np.float32) / 1e4, 100.0)
    (axes,) = ecgedge.plot_strip(recording, start_s=5.0, seconds=4.0)
    assert axes.get_xlim() == (5.0, 9.0)
    assert axes.lines[0].get_ydata()[0] == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("samples", "more"), [(0, {}), (100, {"start_s": 5.0}), (70_000, {}), (100, {"start_s": -1.0})]
)
def test_what_cannot_be_plotted_is_told(samples: int, more: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="give"):
        ecgedge.plot_strip(np.zeros(samples), 100.0, **more)


def test_without_matplotlib_the_error_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import numpy, ecgedge\n"
        "try: ecgedge.plot_strip(numpy.zeros(500), 100.0)\n"
        "except ecgedge.ConfigError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("pip install 'ecgedge[plot]'")
