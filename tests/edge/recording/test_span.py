"""Stretches of a recording: what lies inside, to the sample."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgedge.events import Beat, Gap, Rhythm, Waves
from ecgedge.recording.span import WHOLE, Span
from ecgedge_bridge.values import Acceleration, SampleBlock


@given(st.lists(st.integers(0, 50), min_size=1, max_size=8), st.integers(0, 200), st.integers(1, 200))
def test_every_sample_inside_comes_once_from_the_start_of_the_stretch(
    holes: list[int], first: int, length: int
) -> None:
    fs, at, blocks, mv = 130.0, 0, [], np.full(1000, np.nan)
    for hole in holes:
        at += hole
        values = np.arange(at, at + 37, dtype=np.float32)
        blocks.append(SampleBlock(values, fs, at))
        mv[at : at + 37] = values
        at += 37
    found = np.full(length, np.nan)
    for block in Span(first / fs, (first + length) / fs).cut(blocks):
        assert block.sample >= 0
        found[block.sample : block.end_sample] = block.samples
    np.testing.assert_array_equal(found, mv[first : first + length])


def test_events_move_with_the_signal() -> None:
    rhythm = Rhythm(300, 3.0, 1300, 13.0, "N", "N", {"N": 1.0}, True, True)
    waves = Waves(sample=400, time_s=4.0, p_onset=380, t_end=430)
    block = SampleBlock(np.zeros(1000, np.float32), 100.0, 0)
    acc = Acceleration(np.zeros((3, 3), np.float32), 100.0, 0)
    items = [block, acc, Beat(199, 1.99, None), rhythm, waves, Beat(1000, 10.0, 800.0, "V")]
    cut = list(Span(2.0, 10.0).cut(items))
    assert [(i.sample, type(i).__name__) for i in cut] == [
        (0, "SampleBlock"),
        (100, "Rhythm"),
        (200, "Waves"),
    ]
    assert (cut[1].end_sample, cut[1].end_time_s) == (1100, 11.0)
    assert (cut[2].p_onset, cut[2].p_peak, cut[2].t_end) == (180, None, 230)


def test_a_gap_over_both_borders_is_cut_at_both() -> None:
    gap = Gap(50, 0.5, 5000, 50.0, 4950)
    block = SampleBlock(np.zeros(50, np.float32), 100.0, 0)
    (cut,) = [i for i in Span(1.0, 3.0).cut([block, gap]) if isinstance(i, Gap)]
    assert cut == Gap(0, 0.0, 200, 2.0, 200)


def test_the_whole_is_untouched() -> None:
    block = SampleBlock(np.zeros(50, np.float32), 100.0, 7, device_time_ns=5)
    assert list(WHOLE.cut([block])) == [block]
    (cut,) = Span(0.1, 0.3).cut([block])
    assert cut.device_time_ns is None
    assert len(cut.samples) == 20


@pytest.mark.parametrize(
    ("fs", "seconds", "first"), [(130.0, 0.1, 13), (250.0, 1.0004, 251), (62.5, 2.0, 125)]
)
def test_the_first_sample_is_not_before_the_time(fs: float, seconds: float, first: int) -> None:
    assert Span(seconds).first(fs) == first
