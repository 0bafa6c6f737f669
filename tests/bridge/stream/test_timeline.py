"""Where samples belong: counters that wrap, frames out of order, and samples without any stamp."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgedge_bridge.stream.rate import RateEstimate
from ecgedge_bridge.stream.timeline import Placed, Timeline
from ecgedge_bridge.stream.undated import UndatedTimeline
from ecgedge_bridge.stream.unwrap import Unwrap
from ecgedge_bridge.values import Note

FS = 100.0
N = 50


class Book:
    """What a timeline has placed and noted."""

    def __init__(self) -> None:
        self.placed: list[tuple[int, float]] = []
        self.notes: list[Note] = []

    def add(self, one: Placed) -> None:
        self.placed.append((one.sample, float(one.samples[0])))
        self.notes += one.notes


def play(order: list[float]) -> tuple[Book, Timeline]:
    """Frames of 50 samples by their number; a number and a half is a frame half a frame too late."""
    timeline = Timeline(FS)
    book = Book()
    for i, k in enumerate(order):
        for one in timeline.place(np.full(N, k, np.float32), round((k + 1) * N / FS * 1e9), i * N / FS):
            book.add(one)
    return book, timeline


def test_a_late_frame_is_dropped_when_the_stream_goes_on_after_its_successor() -> None:
    book, timeline = play([0, 1, 3, 2, 4, 5])
    assert [number for _, number in book.placed] == [0, 1, 3, 4, 5]
    assert (timeline.late, timeline.lost, timeline.segments) == (1, 50, 1)
    assert [(note.code, note.sample) for note in book.notes] == [("late_frame", 200)]


def test_several_late_frames_are_dropped() -> None:
    book, timeline = play([0, 1, 4, 2, 3, 5, 6])
    assert [number for _, number in book.placed] == [0, 1, 4, 5, 6]
    assert (timeline.late, timeline.lost, len(book.notes)) == (2, 100, 2)


@pytest.mark.parametrize("ahead", [3.25, 4.0, 5.5])
def test_one_frame_with_a_stamp_ahead_costs_no_frame_after_it(ahead: float) -> None:
    book, timeline = play([0, 1, ahead, 2, 3, 4, 5, 6, 7, 8])
    assert [number for _, number in book.placed] == [0, 1, ahead, 2, 3, 4, 5, 6, 7, 8]
    assert timeline.late == 0
    # After it the index goes on without another jump than the one at the step back.
    assert np.diff([sample for sample, _ in book.placed[3:]]).tolist() == [N] * 6


def test_frames_that_are_kept_back_are_bounded() -> None:
    timeline = Timeline(FS)
    stamps = [10**9, 3 * 10**9, *(10**9 + 50_000_000 + i for i in range(5000))]
    placed = [len(timeline.place(np.zeros(1, np.float32), stamp, 0.0)) for stamp in stamps]
    assert sum(placed) >= 5000 - 1024
    assert max(placed) > 1


@given(st.integers(0, 255), st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=200))
def test_a_counter_of_8_bits_is_unwrapped(start: int, steps: list[tuple[int, bool]]) -> None:
    unwrap = Unwrap(8, per_s=10.0)
    true = start
    assert unwrap(true, 0.0) == true
    for step, _ in steps:
        true += step
        assert unwrap(true % 256, (true - start) / 10) == true


def test_whole_turns_are_seen_in_the_time_that_went_by() -> None:
    unwrap = Unwrap(8, per_s=10.0)
    assert [unwrap(5, 0.0), unwrap(6, 76.9), unwrap(4, 76.7)] == [5, 5 + 768 + 1, 5 + 768 - 1]


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.floats()), max_size=50))
def test_any_time_can_be_unwrapped(values: list[tuple[int, float]]) -> None:
    unwrap = Unwrap(32, per_s=1000.0)
    for raw, host_s in values:
        assert unwrap(raw, host_s) % 2**32 == raw


def test_a_rate_far_off_is_not_believed() -> None:
    rate = RateEstimate(100.0)
    for _ in range(100):
        rate.add(100, 0.5)
    assert rate.fs == pytest.approx(102.5)


def undated(arrivals_s: list[float], lost_at: int | None = None) -> tuple[Book, UndatedTimeline]:
    """A second of samples each."""
    timeline = UndatedTimeline(FS)
    book = Book()
    for i, at_s in enumerate(arrivals_s):
        if i == lost_at:
            timeline.link_lost()
        (one,) = timeline.place(np.full(100, i, np.float32), at_s)
        book.add(one)
    return book, timeline


def test_undated_samples_are_counted() -> None:
    book, timeline = undated([float(i) for i in range(100)])
    assert [sample for sample, _ in book.placed] == [100 * i for i in range(100)]
    assert not book.notes
    assert (timeline.lost, timeline.segments) == (0, 1)


@pytest.mark.parametrize("rate", [0.98, 1.02])
def test_an_undated_rate_that_is_two_percent_off_is_no_loss(rate: float) -> None:
    book, _ = undated([i / rate for i in range(600)])
    assert not book.notes


def test_a_stall_of_undated_samples_is_no_loss() -> None:
    # Nothing for 4 s, then all of it at once.
    book, _ = undated([max(i, 34.0) if 30 <= i < 34 else float(i) for i in range(100)])
    assert not book.notes


@pytest.mark.parametrize("seconds", [1.0, 5.0, 60.0])
def test_undated_loss_is_noted_once_and_is_no_jump(seconds: float) -> None:
    book, timeline = undated([i + seconds * (i >= 45) for i in range(100)])
    (note,) = book.notes
    assert note.code == "possible_loss"
    assert f"about {round(seconds * FS)} samples" in note.detail
    assert timeline.next_sample == 10_000


def test_a_broken_link_of_an_undated_device_is_a_gap() -> None:
    book, timeline = undated([i + 20.0 * (i >= 45) for i in range(100)], lost_at=45)
    assert [sample for sample, _ in book.placed[43:47]] == [4300, 4400, 6500, 6600]
    assert (timeline.lost, timeline.segments, len(book.notes)) == (2000, 2, 1)


def test_a_link_that_breaks_before_the_first_sample_costs_nothing() -> None:
    book, timeline = undated([5.0, 6.0], lost_at=0)
    assert [sample for sample, _ in book.placed] == [0, 100]
    assert timeline.lost == 0


@pytest.mark.parametrize("make", [Timeline, UndatedTimeline])
@pytest.mark.parametrize("fs", [0.0, -1.0, math.nan, math.inf])
def test_a_rate_that_is_none_is_refused(make: type, fs: float) -> None:
    with pytest.raises(ValueError, match="fs must be"):
        make(fs)
