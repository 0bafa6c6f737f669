"""Beats at edges, and after artefacts: what mains hum and a pulled cable must not do."""

import numpy as np
import pytest

import ecgedge


def made(fs, seconds, bpm=70.0, height=1.0):
    """ECG as a sum of Gaussians, and the seconds of its beats."""
    t = np.arange(round(seconds * fs)) / fs
    beats = np.arange(0.6, seconds - 1, 60 / bpm)
    waves = (0.95, 0.0, 0.0115), (0.25, 0.27, 0.045)
    return height * sum(a * np.exp(-0.5 * ((t - b - c) / s) ** 2) for b in beats for a, c, s in waves), beats


def far(places, from_):
    """Those of the places that nothing of ``from_`` is within 0.1 s of."""
    return [p for p in places if not np.size(from_) or np.abs(np.asarray(from_) - p).min() > 0.1]


@pytest.mark.parametrize("fs", [100.0, 125.0, 130.0, 250.0, 500.0])
@pytest.mark.parametrize("hz", [50.0, 49.9, 60.0])
@pytest.mark.parametrize("mv", [0.3, 1.0, 2.0])
def test_no_beats_from_hum_at_gaps(fs, hz, mv):
    if 2 * hz > fs:
        pytest.skip("hum above half the rate looks like 40 Hz")
    x, beats = made(fs, 40)
    x += mv * np.sin(2 * np.pi * hz * np.arange(len(x)) / fs + mv)
    n = round(3.7 * fs)
    for start in range(n, len(x), n):
        x[start - n // 7 : start] = np.nan
    assert far(ecgedge.detect_beats(x, fs) / fs, beats) == []


def artefact(kind, mv, n, rng):
    match kind:
        case "white":
            return mv * rng.standard_normal(n)
        case "slow":
            return mv * np.cumsum(rng.standard_normal(n)) / np.sqrt(n)
        case "square":
            return mv * np.sign(np.sin(2 * np.pi * 0.01 * np.arange(n)))
    return mv * (rng.random(n) < 0.02)


@pytest.mark.parametrize("kind", ["white", "slow", "square", "spikes"])
@pytest.mark.parametrize("mv", [3.0, 50.0])
@pytest.mark.parametrize("seconds", [1, 6, 60])
@pytest.mark.parametrize("bpm", [42.0, 110.0])
def test_beats_come_back_after_an_artefact(kind, mv, seconds, bpm):
    fs = 130
    x, beats = made(fs, 60 + seconds, bpm)
    n = seconds * fs
    x[30 * fs : 30 * fs + n] += artefact(kind, mv, n, np.random.default_rng(seconds))
    missed = far(beats[beats > 30 + seconds], ecgedge.detect_beats(x, fs) / fs)
    assert max(missed, default=0) < 30 + seconds + 2
