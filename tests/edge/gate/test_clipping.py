"""Rails of every kind are seen, and what only looks like one is not."""

import numpy as np
import pytest

import ecgedge
from ecgedge.gate.clipping import clipping

SECONDS = 60


def ecg(fs, wander_mv=0.0, upside_down=False):
    t = np.arange(round(SECONDS * fs)) / fs
    waves = (0.95, 0.0, 0.0115), (-0.2, 0.03, 0.01), (0.1, -0.16, 0.025), (0.25, 0.27, 0.045)
    x = sum(
        a * np.exp(-0.5 * ((t - b - c) / s) ** 2) for b in np.arange(0.6, SECONDS, 0.85) for a, c, s in waves
    )
    noise = 0.005 * np.random.default_rng(1).standard_normal(len(t))
    return (-x if upside_down else x) + noise + wander_mv * np.sin(2 * np.pi * 0.1 * t)


def assessed(x, fs):
    return ecgedge.assess_quality(x, fs)


@pytest.mark.parametrize("fs", [130.0, 500.0])
@pytest.mark.parametrize("rail", [1.0, 3.0])
@pytest.mark.parametrize("sides", ["both", "top", "bottom"])
@pytest.mark.parametrize("jitter", [0, 2])
@pytest.mark.parametrize("step_mv", [0.0005, 0.005])
def test_windows_on_a_rail_are_refused(fs, rail, sides, jitter, step_mv):
    low = -rail if sides != "top" else -np.inf
    high = rail if sides != "bottom" else np.inf
    x = ecg(fs, 4.0)
    hit = (x <= low) | (x >= high)
    steps = np.round(np.clip(x, low, high) / step_mv)
    steps[hit] += np.random.default_rng(2).integers(-jitter, jitter + 1, hit.sum())
    for q in assessed(steps * step_mv, fs):
        share = hit[q.sample : q.end_sample].mean()
        if share > 0.15:
            assert (q.accepted, q.reasons) == (False, ("clipped",)), share


@pytest.mark.parametrize("fs", [130.0, 500.0])
@pytest.mark.parametrize("gain", [-1e6, 1.0])
@pytest.mark.parametrize("wander", [0.0, 0.3, 4.0])
@pytest.mark.parametrize("upside_down", [True, False])
def test_what_lies_on_no_rail_is_not_clipped(fs, gain, wander, upside_down):
    x = gain * ecg(fs, wander, upside_down)
    assert all("clipped" not in q.reasons for q in assessed(x, fs))
    if not wander:
        assert all(q.accepted and q.morphology for q in assessed(x, fs)[:-1])


def test_tops_that_are_cut_off_leave_the_rhythm_but_no_shapes():
    x = ecg(500.0)
    wide = np.convolve(x, np.ones(25) / 25, "same")
    cut = np.minimum(wide, 0.5 * wide.max())
    assert 0.01 < clipping(cut[:5000], 500.0).share < 0.1
    assert [(q.accepted, q.morphology) for q in assessed(cut, 500.0)][:5] == [(True, False)] * 5


def test_nothing_is_no_rail():
    assert clipping(np.zeros(0), 130.0) == (0.0, 0.0)
    assert clipping(np.full(1300, 3.0), 130.0) == (0.0, 10.0)
