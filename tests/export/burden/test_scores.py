"""Counts and figures of AF, against counting sample by sample and tables worked out by hand."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ecgedge_export.burden.reference import NEITHER, QUESTIONS, Period, asked, flutter, period
from ecgedge_export.burden.scores import HALF, WINDOW_S, Counts, compare, figures
from ecgedge_export.data import Episode, Record

FS = 2.0
AF, EITHER = QUESTIONS


def record(rhythms, n=2000, fs=FS, **more):
    return Record("x", "1", Path("1"), fs, n, ("I",), "1", rhythms=tuple(rhythms), **more)


def test_flutter_is_neither_or_both_and_what_nobody_named_is_left_out():
    of = record([Episode(100, 400, "N"), Episode(400, 900, "AFIB"), Episode(900, 1000, "AFL")])
    names = [(e.start, e.end, e.name) for e in asked(of, AF)]
    assert names == [(0, 100, NEITHER), (100, 400, "N"), (400, 900, "AFIB"), (900, 1000, NEITHER),
                     (1000, 2000, NEITHER)]  # fmt: skip
    assert [e.name for e in asked(of, EITHER)] == [NEITHER, "N", "AFIB", "AFIB", NEITHER]
    assert flutter(of, Period(950, 2000, FS)) == [(950, 1000)]


def test_the_learning_time_is_that_of_ec57_but_for_short_recordings():
    assert period(record([], n=1200)) == Period(600, 1200, FS)
    assert period(record([], n=1199)) == Period(0, 1199, FS)


def test_exact_counts_of_a_recording():
    # Of 1,000 s: unnamed up to 100, AF 200 to 500 and 700 to 710, flutter 800 to 900.
    of = record([
        Episode(200, 400, "N"), Episode(400, 1000, "AFIB"), Episode(1000, 1400, "N"),
        Episode(1400, 1420, "AFIB"), Episode(1420, 1600, "N"), Episode(1600, 1800, "AFL"),
        Episode(1800, 2000, "N"),
    ])  # fmt: skip
    said = [Episode(600, 1100, "AFIB"), Episode(1500, 1540, "AFIB"), Episode(1600, 1700, "AFIB")]
    found = compare(asked(of, AF), said, Period(0, 2000, FS))
    assert (found.period_s, found.reference_s, found.test_s, found.overlap_s) == (800, 310, 270, 200)
    assert (found.detected, found.missed, found.right, found.false) == (1, 1, 1, 1)
    assert found.error == pytest.approx(-40 / 800)
    merged = compare(asked(of, EITHER), said, Period(0, 2000, FS))
    assert (merged.period_s, merged.reference_s, merged.overlap_s) == (900, 410, 250)
    assert (merged.detected, merged.missed, merged.right, merged.false) == (2, 1, 2, 1)


rhythms = st.lists(
    st.tuples(st.integers(1, 150), st.sampled_from(["N", "AFIB", "AFL", ""])), min_size=1, max_size=12
)


def in_a_row(lengths):
    at, out = 0, []
    for n, name in lengths:
        if name:
            out.append(Episode(at, at + n, name))
        at += n
    return out


@given(rhythms, rhythms, st.integers(0, 100))
@example([(1, "N"), (54, "N"), (20, "AFIB")], [(1, "N")], 35)  # just half of a window
def test_windows_and_seconds_are_those_of_counting_samples(is_, said, start):
    of = record(in_a_row(is_), n=600)
    called = [e for e in in_a_row(said) if e.name == "AFIB"]
    truth = asked(of, AF)
    found = compare(truth, called, Period(start, 600, FS))
    labels = np.full(4000, "N", "<U4")
    for e in truth:
        labels[e.start : e.end] = e.name
    test = np.zeros(4000, np.bool_)
    for e in called:
        test[e.start : e.end] = True
    inside = slice(start, 600)
    known = labels[inside] != NEITHER
    assert found.period_s == known.sum() / FS
    assert found.reference_s == (labels[inside] == "AFIB").sum() / FS
    assert found.test_s == (test[inside] & known).sum() / FS
    assert found.overlap_s == (test[inside] & (labels[inside] == "AFIB")).sum() / FS
    step = round(WINDOW_S * FS)
    counts = {"hits": 0, "misses": 0, "alarms": 0, "others": 0}
    for low in range(start, 600 - step + 1, step):
        window, asks = labels[low : low + step], test[low : low + step]
        left = np.sum(window != NEITHER)
        if left <= HALF * step:
            continue
        is_af, is_called = np.sum(window == "AFIB") >= HALF * left, asks.sum() >= HALF * left
        counts[{(1, 1): "hits", (1, 0): "misses", (0, 1): "alarms", (0, 0): "others"}[is_af, is_called]] += 1
    assert counts == {name: getattr(found, name) for name in counts}


def test_figures_weigh_windows_gross_and_burden_errors_by_recording():
    one = Counts(100, 50, 40, 40, 1, 1, 1, 0, hits=3, misses=1, alarms=0, others=6)
    two = Counts(300, 0, 30, 0, 0, 0, 0, 2, hits=0, misses=0, alarms=1, others=9)
    found = figures({"a": one, "b": two}, {"a": "p", "b": "q"})
    values = {name: cell[0] for name, cell in found["gross"].items()}
    assert values == {
        "window F1": 75.0, "window Se": 75.0, "window P+": 75.0, "window Sp": 93.75,
        "episode Se": 50.0, "episode P+": 33.33, "duration Se": 80.0, "duration P+": 57.14,
        "burden": 12.5, "burden found": 17.5, "burden error": 10.0, "burden bias": 0.0,
    }  # fmt: skip
    assert found["median burden error"] == 10.0
    assert found["by_record"]["b"]["burden found"] == 10.0
    assert found["by_record"]["b"]["episode Se"] is None
    low, high = found["gross"]["window F1"][1:]
    # Drawn are p, q, or both: F1 is 6 / 7, 0 or 6 / 8.
    assert (low, high) == (0.0, 85.71)


def test_recordings_of_one_person_are_drawn_together():
    one = Counts(100, 50, 40, 40, 1, 1, 1, 0, 3, 1, 0, 6)
    found = figures({"a": one, "b": one}, {"a": "p", "b": "p"})
    assert (found["recordings"], found["patients"]) == (2, 1)
    assert found["gross"]["window F1"] == [85.71, None, None]
