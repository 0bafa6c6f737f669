"""Bare numbers by their arrival, and stamped ones by their stamps."""

from __future__ import annotations

import numpy as np
import pytest

from ecgedge_bridge.codes import NoteCode
from ecgedge_bridge.values import Note, SampleBlock
from ecgedge_bridge.wired.numbers import NumberDecoder
from ecgedge_bridge.wired.pace import PacedTimeline
from ecgedge_bridge.wired.stamped import StampedTimeline

FS = 250.0
SIZE = 25  # 0.1 s


def played(arrivals_s: list[float], fs: float = FS) -> tuple[list[int], list[Note], PacedTimeline]:
    """Index of each piece, and the notes."""
    timeline, samples, notes = PacedTimeline(fs), [], []
    for at_s in arrivals_s:
        for one in timeline.place(np.zeros(SIZE, np.float32), at_s):
            samples.append(one.sample)
            notes += one.notes
    for one in timeline.finish():
        samples.append(one.sample)
        notes += one.notes
    return samples, notes, timeline


def test_what_comes_evenly_has_no_gap() -> None:
    samples, notes, timeline = played([0.1 * k for k in range(1000)])
    assert samples == [SIZE * k for k in range(1000)]
    assert (notes, timeline.lost, timeline.fs_hat) == ([], 0, FS)


@pytest.mark.parametrize("pause_s", [1.5, 3.0, 60.0])
def test_a_pause_is_a_gap_of_its_length(pause_s: float) -> None:
    arrivals = [0.1 * k for k in range(100)] + [10 + pause_s + 0.1 * k for k in range(100)]
    samples, notes, timeline = played(arrivals)
    lost = round(pause_s * FS)
    assert samples[:100] == [SIZE * k for k in range(100)]
    assert samples[100:] == [SIZE * k + lost for k in range(100, 200)]
    assert [note.code for note in notes] == [NoteCode.ESTIMATED_LOSS]
    assert timeline.lost == lost


def test_a_stall_loses_nothing() -> None:
    arrivals = [0.1 * k for k in range(100)] + [13.0] * 31 + [13.0 + 0.1 * k for k in range(100)]
    samples, notes, timeline = played(arrivals)
    assert samples == [SIZE * k for k in range(len(arrivals))]
    assert (notes, timeline.lost) == ([], 0)


def test_pauses_below_a_second_are_none() -> None:
    arrivals = [0.1 * k for k in range(50)] + [5.8 + 0.1 * k for k in range(50)]
    assert played(arrivals)[0] == [SIZE * k for k in range(100)]


def test_a_broken_connection_loses_one_sample_at_least() -> None:
    timeline = PacedTimeline(FS)
    placed = timeline.place(np.zeros(SIZE, np.float32), 0.0)
    timeline.link_lost()
    for k in range(1, 20):
        placed += timeline.place(np.zeros(SIZE, np.float32), 0.1 * k)
    assert [one.lost for one in placed] == [0, 1] + [0] * 18
    assert placed[1].notes[0].code is NoteCode.ESTIMATED_LOSS


@pytest.mark.parametrize("true", [243.0, 240.0, 257.0])
def test_a_rate_that_is_off_is_told_once_and_stretches_times(true: float) -> None:
    arrivals = [SIZE * k / true + (0.02 if k % 7 else 0.0) for k in range(1500)]
    _, notes, timeline = played(arrivals)
    assert [note.code for note in notes] == [NoteCode.WRONG_RATE]
    assert timeline.fs_hat == pytest.approx(true, rel=3e-3)


def test_a_rate_far_off_is_told_and_not_believed() -> None:
    _, notes, timeline = played([SIZE * k / 125 for k in range(500)])
    (note,) = notes
    assert "125.0 numbers come in a second, not 250" in note.detail
    assert timeline.fs_hat == FS


@pytest.mark.parametrize("true", [250.0, 247.0, 253.0, 30_000.0])
def test_a_rate_that_is_near_or_that_of_a_file_is_not_told(true: float) -> None:
    _, notes, _ = played([SIZE * k / true + 0.05 * (k % 3 == 0) for k in range(15000)])
    assert notes == []


def test_stamps_that_scatter_make_no_gaps_after_the_first() -> None:
    rng = np.random.default_rng(1)
    timeline, lost = StampedTimeline(FS), []
    for k in range(500):
        end_s = SIZE * (k + 1) / FS + rng.uniform(0, 0.03)
        stamps = end_s - np.arange(SIZE)[::-1] / FS
        lost += [one.lost for one in timeline.place(np.zeros(SIZE, np.float32), stamps, end_s)]
    assert sum(one > 0 for one in lost) <= 2
    assert timeline.fs_hat == pytest.approx(FS, rel=2e-3)


def test_a_gap_beyond_the_scatter_is_one() -> None:
    timeline = StampedTimeline(FS)
    stamps = np.arange(1000) / FS
    placed = timeline.place(np.zeros(500, np.float32), stamps[:500], 2.0)
    placed += timeline.place(np.zeros(427, np.float32), stamps[573:], 4.0)
    assert [(one.sample, one.lost) for one in placed] == [(0, 0), (573, 73)]


@pytest.mark.parametrize("step_s", [-100.0, 7200.0])
def test_a_clock_that_was_set_is_a_new_segment(step_s: float) -> None:
    decoder = NumberDecoder("board", FS, stamped=True)
    stamps = np.arange(1000) / FS
    stamps[500:] += step_s
    events = decoder.take(np.arange(1000.0), stamps, 4.0)
    assert [event.sample for event in events if isinstance(event, SampleBlock)] == [0, 500]
    assert [event.code for event in events if isinstance(event, Note)] == [NoteCode.CLOCK_STEP]
