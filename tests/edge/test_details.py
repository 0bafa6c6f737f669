"""Details are what the summary counts: their sums are its numbers, however events are handed over."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_events import beats, rhythm, verdicts

from ecgedge import Gap, Summarizer
from ecgedge.details import CountedBeat, EctopicPattern, EctopicRow, Episode, LongInterval, Minute


def told(events, size=1):
    summarizer, found = Summarizer(), []
    for at in range(0, len(events), size):
        found += summarizer.take(events[at : at + size])
    return [*found, *summarizer.rest()], summarizer.summary()


def of(kind, details):
    return [detail for detail in details if isinstance(detail, kind)]


@settings(max_examples=60, deadline=None)
@given(
    st.text("NVS", min_size=1, max_size=150),
    st.lists(st.booleans(), min_size=12, max_size=12),
    st.lists(st.sampled_from((True, False, None)), min_size=12, max_size=12),
    st.integers(1, 40),
)
def test_sums_of_details_are_the_summary(symbols, accepted, af, size):
    events = [*beats(symbols), *verdicts(accepted)]
    events += [
        rhythm(max(0, 10 * i - 20), 10 * (i + 1), "A" if is_af else "N", is_af) for i, is_af in enumerate(af)
    ]
    events.sort(key=lambda event: getattr(event, "end_time_s", event.time_s))
    details, summary = told(events, size)
    assert len(of(CountedBeat, details)) == summary.beats
    for symbol, ectopy in (("V", summary.ventricular), ("S", summary.supraventricular)):
        rows = [row.beats for row in of(EctopicRow, details) if row.symbol == symbol]
        assert sum(rows) == ectopy.beats
        assert rows.count(2) == ectopy.couplets
        assert sum(row >= 3 for row in rows) == ectopy.runs
        assert max((row for row in rows if row >= 3), default=0) == ectopy.longest_run
    episodes = [one.end_s - one.start_s for one in of(Episode, details)]
    assert max(episodes, default=0.0) == pytest.approx(summary.longest_af_s)
    counting = [minute.bpm for minute in of(Minute, details) if minute.counts]
    assert (min(counting, default=None), max(counting, default=None)) == (
        summary.slowest_bpm,
        summary.fastest_bpm,
    )
    assert sum(one.pause for one in of(LongInterval, details)) == summary.pauses
    assert told(events, 1)[0] == details


@pytest.mark.parametrize(
    ("symbols", "patterns"),
    [
        ("NNVNVNN", []),  # two are no bigeminy
        ("NNVNVNVNN", [(2, 3)]),
        ("NVNNVNNVNN", [(3, 3)]),
        ("NVNVNVVNVNVNVN", [(2, 3), (2, 4)]),  # a couplet breaks it: its second beat begins anew
        ("NVNVNVNNNVNVNVN", [(2, 3), (2, 3)]),
        ("NVNVNVNNVNNVN", [(2, 3), (3, 3)]),  # the last of one is the first of the other
        ("VVVVVV", []),
    ],
)
def test_bigeminy_and_trigeminy(symbols, patterns):
    details, _ = told([*beats(symbols), *verdicts([True, True])])
    found = of(EctopicPattern, details)
    assert [(one.every, one.beats) for one in found] == patterns
    for one in found:
        assert one.end_s - one.start_s == pytest.approx(0.8 * one.every * (one.beats - 1))


def test_a_gap_and_refused_signal_end_rows_patterns_and_episodes():
    before = [*beats("NVNVNV"), *verdicts([True]), rhythm(0, 10, "A", True)]
    after = beats("VNVN", start_s=30.0)
    gap = Gap(1000, 10.0, 3000, 30.0, 2000)
    details, _ = told(
        [
            *before,
            gap,
            *after,
            *[v for v in verdicts([True] * 4) if v.time_s >= 30],
            rhythm(30, 40, "A", True),
        ]
    )
    assert [(one.every, one.beats) for one in of(EctopicPattern, details)] == [(2, 3)]
    assert [row.beats for row in of(EctopicRow, details)] == [1] * 5
    assert [(one.start_s, one.end_s) for one in of(Episode, details)] == [(0.0, 10.0), (30.0, 40.0)]


def test_who_asks_for_the_rest_changes_nothing():
    events = [*beats("NVVNVNVNVVV"), *verdicts([True]), rhythm(0, 10, "A", True)]
    asked, silent = Summarizer(), Summarizer()
    for event in events:
        assert asked.take([event]) == silent.take([event])
        asked.rest()
    assert asked.rest() == silent.rest()
    assert asked.summary() == silent.summary()


def test_the_first_of_the_longest_is_told():
    details, summary = told([*beats("N" * 10), *beats("N" * 5, start_s=8.5), *verdicts([True, True])])
    longest = max(of(LongInterval, details), key=lambda one: one.seconds)
    assert longest.seconds == pytest.approx(summary.longest_rr_ms / 1e3)
    assert (longest.start_s, longest.end_s) == pytest.approx((7.2, 8.5))
