"""Stamps of every kind: the rate within 0.1 %, every loss a gap of its size, jitter and clock steps none."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import ecgedge
from ecgedge.recording.timing.placement import Stamped, place
from ecgedge.recording.timing.rate import measure, roundest

Int64 = npt.NDArray[np.int64]

RATES = (100.0, 125.0, 128.0, 130.0, 130.16, 250.0, 256.0, 300.0, 360.0, 499.31, 500.0, 512.0, 513.625, 600.0,
         700.0, 1000.0, 2000.0)  # fmt: skip
TICKS = {"ns": 1, "us": 10**3, "ms": 10**6, "1/128 s": 7_812_500, "10 ms": 10**7, "s": 10**9}
PROBE = 8192


@dataclass(frozen=True)
class Found:
    """Where rows were placed, as sample indices, and the steps of the clock in seconds."""

    fs: float
    rows: Int64
    gaps: dict[int, int]
    steps: list[float]


def found(time_ns: npt.ArrayLike, second_ns: npt.ArrayLike | None = None, chunk: int = 131) -> Found:
    time = np.asarray(time_ns, dtype=np.int64)
    second = None if second_ns is None else np.asarray(second_ns, dtype=np.int64)
    clock = measure(time[:PROBE])
    assert clock is not None

    def chunks() -> Iterator[Stamped]:
        for at in range(0, len(time), chunk):
            part = time[at : at + chunk]
            yield Stamped(np.zeros(len(part)), part, None if second is None else second[at : at + chunk])

    rows, at = [], 0
    gaps, steps = {}, []
    for piece in place(chunks(), clock):
        if piece.lost:
            gaps[at] = piece.lost
        at += piece.lost
        rows.append(np.arange(at, at + len(piece.rows)))
        at += len(piece.rows)
        if piece.step_s:
            steps.append(piece.step_s)
    return Found(clock.fs, np.concatenate(rows), gaps, steps)


def stamps(samples: Int64, fs: float, tick: int = 1) -> Int64:
    return np.floor(samples / fs * 1e9 / tick).astype(np.int64) * tick


# --- rates ---


@pytest.mark.parametrize("tick", TICKS)
@pytest.mark.parametrize("fs", RATES)
def test_the_rate_shows_whatever_stamps_are_rounded_to(fs: float, tick: str) -> None:
    samples = np.arange(int(60 * fs))
    result = found(stamps(samples, fs, TICKS[tick]), chunk=round(fs))
    assert result.fs == pytest.approx(fs, rel=1e-3)
    assert result.gaps == {}
    assert result.steps == []
    if fs == round(fs):
        assert result.fs == fs


@settings(max_examples=60, deadline=None)
@given(fs=st.floats(50, 4000), rounding=st.sampled_from(("floor", "round", "ceil")))
def test_any_rate_in_whole_ms_is_read_without_gaps(fs: float, rounding: str) -> None:
    # Just below a whole number of kHz, stamps are those of that rate with a sample lost every second or more,
    # and no reader can tell; from 0.75 Hz for each kHz down it can.
    assume(not 0 < -fs % 1000 < 0.75 * math.ceil(fs / 1000))
    ms = getattr(np, {"floor": "floor", "round": "rint", "ceil": "ceil"}[rounding])(
        np.arange(int(30 * fs)) / fs * 1e3
    )
    result = found(ms * 1e6, chunk=round(fs))
    assert result.fs == pytest.approx(fs, rel=1e-3)
    assert len(result.rows) <= result.rows[-1] + 1 <= len(result.rows) + 1


@pytest.mark.parametrize("in_order", [True, False])
@pytest.mark.parametrize("jitter_ms", [0.3, 1.0, 2.0, 5.0, 12.0, 30.0])
@pytest.mark.parametrize("fs", [128.0, 130.0, 250.0, 500.0])
def test_jitter_is_no_gap_and_does_not_move_the_rate(fs: float, jitter_ms: float, in_order: bool) -> None:
    rng = np.random.default_rng(int(fs + 10 * jitter_ms))
    time = np.arange(int(60 * fs)) / fs * 1e9 + jitter_ms * 1e6 * rng.standard_normal(int(60 * fs))
    result = found(np.sort(time) if in_order else time)
    assert result.fs == pytest.approx(fs, rel=1e-3)
    assert result.gaps == {}
    assert result.steps == []


@pytest.mark.parametrize("fs", [100.0, 130.0, 256.0, 500.0])
@pytest.mark.parametrize("share", [0.02, 0.1, 0.3])
@pytest.mark.parametrize("frame", [1, 16, 73])
def test_many_losses_do_not_move_the_rate(frame: int, share: float, fs: float) -> None:
    rng = np.random.default_rng(frame)
    kept = np.flatnonzero(np.repeat(rng.random(int(60 * fs) // frame) > share, frame))
    result = found(stamps(kept // frame * frame, fs, 10**6 if frame > 1 else 1))
    assert result.fs == pytest.approx(fs, rel=1e-3)
    np.testing.assert_array_equal(result.rows, kept - kept[0])


def test_a_rate_is_as_round_as_the_stamps_allow() -> None:
    assert roundest(128.3, 0.01) == 128.0
    assert roundest(499.31, 1e-5) == 499.31
    assert roundest(130.06, 1e-6) == 130.0
    assert roundest(130.16, 1e-6) == 130.16


def test_stamps_that_are_all_the_same_show_no_rate() -> None:
    assert measure(np.full(99, 8, dtype=np.int64)) is None


# --- losses ---


@settings(max_examples=60, deadline=None)
@given(
    fs=st.sampled_from((125.0, 130.06, 250.0, 499.31)),
    holes=st.lists(st.tuples(st.integers(1, 5990), st.integers(1, 900)), max_size=6),
    chunk=st.integers(1, 700),
)
def test_every_hole_between_exact_stamps_is_a_gap_of_its_size(
    fs: float, holes: list[tuple[int, int]], chunk: int
) -> None:
    keep = np.ones(6000, dtype=bool)
    for start, length in holes:
        keep[start : start + length] = False
    keep[[0, -1]] = True
    np.testing.assert_array_equal(
        found(stamps(np.flatnonzero(keep), fs), chunk=chunk).rows, np.flatnonzero(keep)
    )


@pytest.mark.parametrize("tick", ["ns", "ms", "10 ms"])
@pytest.mark.parametrize("lost", [1, 4, 40])
@pytest.mark.parametrize("stamp_of", ["first", "last"])
@pytest.mark.parametrize("spread", ["shared", "burst"])
@pytest.mark.parametrize("frame", [5, 16, 36, 73])
def test_a_lost_frame_is_a_gap_between_frames(
    frame: int, spread: str, stamp_of: str, lost: int, tick: str
) -> None:
    samples = np.arange(frame * 250)
    kept = samples[(samples < frame * 120) | (samples >= frame * (120 + lost))]
    time = stamps(kept // frame * frame + (frame - 1 if stamp_of == "last" else 0), 130.0, TICKS[tick])
    if spread == "burst":
        time = time + kept % frame * 20_000  # the time that printing a line takes
    result = found(time)
    assert result.fs == pytest.approx(130.0, rel=1e-3)
    assert result.gaps == {frame * 120: frame * lost}


@pytest.mark.parametrize("frame", [16, 36, 73])
def test_frames_with_jittered_arrival_lose_whole_frames(frame: int) -> None:
    rng = np.random.default_rng(frame)
    samples = np.arange(frame * 300)
    kept = samples[(samples < frame * 150) | (samples >= frame * 155)]
    arrival = rng.normal(0, 12e6, 300)[kept // frame]
    assert found(stamps(kept // frame * frame, 130.0) + arrival).gaps == {frame * 150: frame * 5}


def test_a_recording_that_begins_and_ends_inside_a_frame_has_no_gap() -> None:
    for stamp_of in (0, 72):
        samples = np.arange(73 * 40)[25:-20]
        assert found(stamps(samples // 73 * 73 + stamp_of, 130.0)).gaps == {}


@pytest.mark.parametrize("tick", TICKS)
@pytest.mark.parametrize("fs", [130.0, 250.0, 512.0, 1000.0])
def test_a_recording_that_begins_between_two_ticks_has_no_gap(fs: float, tick: str) -> None:
    for first in (1, 7, 61, 99):
        result = found(stamps(np.arange(first, first + int(40 * fs)), fs, TICKS[tick]))
        assert result.gaps == {}
        assert result.steps == []


def test_a_stall_that_is_caught_up_is_no_loss() -> None:
    samples = np.arange(73 * 200)
    time = stamps(samples // 73 * 73, 130.0)
    held = (samples >= 73 * 100) & (samples < 73 * 104)  # four frames come together with the fifth
    time[held] = time[73 * 104]
    result = found(time)
    assert result.gaps == {}
    assert result.steps == []


@pytest.mark.parametrize("jitter_ms", [0.5, 1.0, 3.0, 10.0])
@pytest.mark.parametrize("lost", [60, 1300, 78_000])
def test_a_loss_among_jitter_keeps_its_size(lost: int, jitter_ms: float) -> None:
    rng = np.random.default_rng(lost)
    kept = np.concatenate([np.arange(6000), np.arange(6000 + lost, 12_000 + lost)])
    result = found(kept / 130 * 1e9 + jitter_ms * 1e6 * rng.standard_normal(len(kept)))
    assert len(result.gaps) == 1
    (at, size), *_ = result.gaps.items()
    assert abs(at - 6000) <= 3
    assert abs(size - lost) <= 1


def test_a_single_wrong_stamp_is_ignored() -> None:
    for wrong in (0, 10**18, 77):
        time = stamps(np.arange(3000), 130.0) + 10**15
        time[1500] = wrong
        result = found(time)
        assert result.gaps == {}
        assert result.steps == []


# --- the clock ---


@pytest.mark.parametrize("step_s", [157_680_000.0, 86_400.0, 7200.0, 3600.0, -0.5, -5.0, -3600.0, -1e8])
@pytest.mark.parametrize(("tick", "frame"), [("ns", 1), ("ms", 1), ("ms", 73), ("10 ms", 36)])
def test_a_step_of_the_clock_is_told_and_loses_nothing(tick: str, frame: int, step_s: float) -> None:
    samples = np.arange(frame * (4000 // frame))
    half = frame * (2000 // frame)
    time = (
        stamps(samples // frame * frame, 130.0, TICKS[tick]) + (samples >= half) * int(step_s * 1e9) + 10**18
    )
    result = found(time)
    assert result.gaps == {}
    assert result.steps == [pytest.approx(step_s, rel=1e-3, abs=0.02)]


@pytest.mark.parametrize("jitter_ms", [0.0, 2.0])
def test_losses_on_both_sides_of_a_step_stay_losses(jitter_ms: float) -> None:
    kept = np.concatenate([np.arange(2000), np.arange(2260, 5000), np.arange(5390, 9000)])
    time = kept / 130 * 1e9 + (kept >= 4000) * 8e12 + 1e15
    time += jitter_ms * 1e6 * np.random.default_rng(1).standard_normal(len(kept))
    result = found(time)
    assert list(result.gaps.values()) == [260, 390]
    assert len(result.steps) == 1


def arrival(samples: Int64) -> Int64:
    """What a phone notes: the arrival of the frame, 0.1 s late, in ms."""
    return (samples // 73 * 73 / 130 * 1e3 + 100).astype(np.int64) * 10**6


ARRIVAL: dict[str, tuple[Callable[[Int64], npt.NDArray[np.float64]], dict[int, int], int]] = {
    "both show it": (lambda k: k / 130 * 1e9, {4000: 650}, 0),
    "the clock steps forward too": (lambda k: k / 130 * 1e9 + (k >= 4650) * 4e10, {4000: 650}, 1),
    "the clock steps back by more": (lambda k: k / 130 * 1e9 - (k >= 4650) * 3e12, {4000: 650}, 1),
}  # fmt: skip


@pytest.mark.parametrize("case", ARRIVAL)
def test_a_second_clock_tells_loss_from_step(case: str) -> None:
    clock, gaps, steps = ARRIVAL[case]
    kept = np.concatenate([np.arange(4000), np.arange(4650, 9000)])
    result = found(clock(kept), arrival(kept))
    assert len(result.steps) == steps
    (at, size), *rest = result.gaps.items()
    assert not rest
    assert at == 4000
    assert abs(size - gaps[4000]) <= 73  # an arrival is known to a frame


@pytest.mark.parametrize("step_s", [5.0, 900.0])
def test_with_a_second_clock_a_step_below_an_hour_loses_nothing_either(step_s: float) -> None:
    samples = np.arange(9000)
    result = found(samples / 130 * 1e9 + (samples >= 4000) * step_s * 1e9, arrival(samples))
    assert result.gaps == {}
    assert result.steps == [pytest.approx(step_s)]


def test_with_a_second_clock_a_loss_may_last_longer_than_an_hour() -> None:
    kept = np.concatenate([np.arange(4000), np.arange(4000 + 130 * 7300, 9000 + 130 * 7300)])
    assert found(kept / 130 * 1e9, arrival(kept)).gaps == {4000: 130 * 7300}


@pytest.mark.parametrize("fs", [50.0, 4000.0])
@pytest.mark.parametrize("rounded_ns", [1, 256, 1000])
def test_the_lowest_and_the_highest_rate_are_read_whatever_the_stamps_are_rounded_to(
    tmp_path: Path, fs: float, rounded_ns: int
) -> None:
    path = tmp_path / "a.csv"
    stamps = 1_700_000_000 * 10**9 + np.round(np.arange(int(20 * fs)) / fs * 1e9 / rounded_ns) * rounded_ns
    path.write_text("time_ns,ecg_mV\n" + "".join(f"{int(stamp)},0\n" for stamp in stamps))
    blocks = list(ecgedge.read(path))
    assert {block.fs for block in blocks} == {fs}
    assert blocks[-1].end_sample == 20 * fs
