"""QRS that are wide, T waves taller than R, pacing, rails, first and last beats: every beat, and no other.

The shapes are made here, not where the network's training makes its own.
"""

import numpy as np
import pytest

import ecgedge

NOISE_MV = 0.005


def ecg(fs, bpm, waves, seconds=40.0, sign=1.0):
    """Sum of Gaussians (mV, s from the beat, s); the beats' times."""
    t = np.arange(round(seconds * fs)) / fs
    at = np.arange(0.6, seconds - 0.8, 60 / bpm)
    x = NOISE_MV * np.random.default_rng(0).standard_normal(len(t))
    for mv, middle, sd in waves:
        x += sum(mv * np.exp(-0.5 * ((t - b - middle) / sd) ** 2) for b in at)
    return sign * x, at


def assert_all_found(x, fs, at, tolerance_s=0.12, since_s=0.0):
    found = ecgedge.detect_beats(x, fs) / fs
    found, at = found[found > since_s], at[at > since_s]
    assert len(found), "no beat at all"
    missed = [b for b in at if np.abs(found - b).min() > tolerance_s]
    false = [f for f in found if np.abs(at - f).min() > tolerance_s]
    assert (missed, false) == ([], [])


def wide(k, t_mv=-0.35):
    """About 179 ms times k, in three notches, with a T wave against it."""
    return [
        (0.55, -0.045 * k, 0.02 * k),
        (0.8, 0.0, 0.022 * k),
        (0.75, 0.04 * k, 0.022 * k),
        (t_mv, 0.26 * k, 0.055 * k),
    ]


@pytest.mark.parametrize("fs", [125.0, 130.0, 250.0, 512.0])
@pytest.mark.parametrize("k", [0.8, 1.0, 1.15, 1.2, 1.3, 1.4])
@pytest.mark.parametrize("bpm", [38.0, 55.0, 80.0])
def test_wide_qrs(fs, k, bpm):
    assert_all_found(*_args(fs, bpm, wide(k)))


@pytest.mark.parametrize("sign", [-1.0, 1.0])
@pytest.mark.parametrize("notch", [0.0, 0.6, -0.5])
@pytest.mark.parametrize("k", [1.1, 1.35])
def test_wide_qrs_of_other_forms(sign, notch, k):
    """One hump, an M, an RS: bundle branch blocks and hyperkalaemia."""
    waves = [(1.0, -0.02 * k, 0.03 * k), (notch, 0.05 * k, 0.025 * k), (-0.25, 0.3, 0.06)]
    assert_all_found(*_args(130.0, 66.0, waves, sign=sign))


@pytest.mark.parametrize("bpm", [45.0, 66.0, 95.0])
@pytest.mark.parametrize("ratio", [1.5, 2.0])
@pytest.mark.parametrize("sd", [0.03, 0.045])
def test_t_taller_than_r(bpm, ratio, sd):
    qt = 0.28 * min(1.0, (60 / bpm) ** 0.5)
    waves = [(0.5, 0.0, 0.0115), (-0.15, 0.028, 0.011), (0.5 * ratio, qt, sd)]
    assert_all_found(*_args(130.0, bpm, waves), tolerance_s=0.1)


@pytest.mark.parametrize("spike_mv", [-4.0, 1.5, 5.0])
@pytest.mark.parametrize("fs", [130.0, 500.0])
def test_paced_beats(spike_mv, fs):
    """A spike 70 ms before a wide QRS is no beat of its own.

    At 130 Hz each spike is sampled at another height: two seconds pass until theirs is known.
    """
    assert_all_found(*_args(fs, 70.0, [(spike_mv, -0.07, 0.0015), *wide(0.9)]), since_s=2.0)


@pytest.mark.parametrize("rail", [0.3, 0.5, 0.8])
def test_beats_on_a_rail(rail):
    x, at = ecg(250.0, 72.0, [(1.2, 0.0, 0.0115), (-0.3, 0.028, 0.011), (0.25, 0.28, 0.05)])
    assert_all_found(np.minimum(x, rail), 250.0, at)


@pytest.mark.parametrize("cut_s", [0.05, 0.15, 0.3, 0.5])
def test_the_first_and_the_last_beat_of_ten_seconds(cut_s):
    """A recording that begins ``cut_s`` before a beat, and ends as long after one."""
    fs = 250.0
    x, at = ecg(fs, 70.0, [(0.12, -0.16, 0.025), (1.1, 0.0, 0.0115), (-0.25, 0.03, 0.011), (0.3, 0.28, 0.05)])
    first, last = round((at[4] - cut_s) * fs), round((at[15] + cut_s) * fs)
    assert_all_found(x[first:last], fs, at[4:16] - first / fs)


def _args(fs, bpm, waves, sign=1.0):
    x, at = ecg(fs, bpm, waves, sign=sign)
    return x, fs, at
