"""Borders against marks, by hand."""

import numpy as np
import pytest

from ecgedge.whole_recording import Wave
from ecgedge_export.data.record import Wave as MarkedWave
from ecgedge_export.waves.scores import BORDERS, CSE_MS, Compared, compared, report

FS = 1000.0


def of(rows, kind, border):
    return next(row for row in rows if row.border == (kind, border))


def beat(peak, shift=0, make=MarkedWave):
    return [
        make("P", peak - 160 + shift, peak - 110, peak - 60 + shift),
        make("QRS", peak - 40 + shift, peak, peak + 50 + shift),
        make("T", peak + 200 + shift, peak + 300, peak + 360 + shift),
    ]


def test_errors_are_found_less_marked():
    rows = list(compared("1", beat(1000), beat(1000, shift=12, make=Wave), FS))
    assert [row.border for row in rows] == list(BORDERS)
    assert {(row.marked, row.found, row.errors_ms) for row in rows} == {(1, 1, (12.0,))}


def test_what_is_farther_than_150_ms_is_missed_and_made_up():
    marked = [*beat(1000), *beat(2000)]
    found = [*beat(1000, make=Wave), *beat(2000, shift=-151, make=Wave)]
    row = of(compared("1", marked, found, FS), "QRS", "end")
    assert (row.marked, row.found, row.errors_ms) == (2, 2, (0.0,))
    row = of(compared("1", marked, [*found[:3], *beat(2000, shift=-150, make=Wave)], FS), "QRS", "end")
    assert row.errors_ms == (0.0, -150.0)


def test_one_found_border_is_of_one_marked_border():
    marked = [MarkedWave("QRS", 960, 1000, 1050), MarkedWave("QRS", 1060, 1100, 1150)]
    row = of(compared("1", marked, [Wave("QRS", 1000, 1040, 1090)], FS), "QRS", "onset")
    assert (row.marked, row.found, row.errors_ms) == (2, 1, (40.0,))


def test_what_lies_outside_of_the_marked_stretch_does_not_count():
    marked = [*beat(2000), *beat(3000)]
    found = [w for peak in (1000, 2000, 2500, 3000, 4000) for w in beat(peak, make=Wave)]
    row = of(compared("1", marked, found, FS), "QRS", "onset")
    assert (row.marked, row.found) == (2, 3)


def test_a_border_that_nobody_marked_is_neither_missed_nor_made_up():
    marked = [MarkedWave("QRS", None, 1000, 1050), *beat(2000)]
    row = of(compared("1", marked, [*beat(1000, make=Wave), *beat(2000, make=Wave)], FS), "QRS", "onset")
    assert (row.marked, row.found, row.errors_ms) == (1, 1, (0.0,))


def test_a_border_that_was_not_seen_is_missed():
    found = [Wave("QRS", None, 1000, 1050)]
    row = of(compared("1", beat(1000), found, FS), "QRS", "onset")
    assert (row.marked, row.found, row.errors_ms) == (1, 0, ())


def test_a_report_has_the_figures_of_the_literature():
    rows = [
        Compared("1", ("P", "onset"), 4, 4, (10.0, 20.0, 10.0, 20.0)),
        Compared("2", ("P", "onset"), 4, 2, (0.0,)),
    ]
    found = report(rows)
    p = found["P onset"]
    errors = np.array([10, 20, 10, 20, 0])
    assert (found["people"], p["marked"]) == (2, 8)
    assert (p["se"], p["p_plus"]) == (62.5, pytest.approx(83.33))
    assert (p["mean_ms"], p["sd_ms"]) == (12.0, pytest.approx(errors.std(), abs=0.01))
    assert p["cse_2sd_ms"] == CSE_MS["P", "onset"] == 10.2
    assert p["se_95"] == [25.0, 100.0]  # one of the two people drawn twice
    assert found["T onset"]["mean_ms"] is None
