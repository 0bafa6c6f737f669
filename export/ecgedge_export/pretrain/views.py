"""Views of a recording: a lead chosen at random, noise added, a stretch missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.signal import resample_poly

from ecgedge_export import data
from ecgedge_export.prepare import NOISES
from ecgedge_export.pretrain.encoder import FS
from ecgedge_export.pretrain.sets import at_100_hz

Floats = npt.NDArray[np.float32]


def training_noise() -> dict[str, Floats]:
    """NSTDB's three noises (bw, em, ma) at 100 Hz, unfiltered, first halves alone: the second ones test.

    Raises
    ------
    ConfigError
        The data set is not at hand.
    """
    noises = {}
    for record in data.nstdb(NOISES):
        half = record.mv[: record.n_samples // 2]
        x = resample_poly(half - half.mean(), round(FS), round(record.fs))
        noises[record.id] = np.asarray(x, np.float32)
    return noises


def strip(noise: Floats, length: int, rng: np.random.Generator) -> Floats:
    """Cut a strip of noise at random: mean 0 and RMS 1."""
    start = int(rng.integers(len(noise) - length + 1))
    cut = noise[start : start + length]
    cut = cut - cut.mean()
    scaled: Floats = cut / np.float32(np.sqrt(np.mean(cut**2)) + 1e-6)
    return scaled


def one_lead_each(ecg: Floats, leads: npt.NDArray[np.int64]) -> Floats:
    """Take lead ``leads[i]`` of recording i: (batch, leads, time) to (batch, 1, time), a copy."""
    chosen: Floats = ecg[np.arange(len(ecg)), leads][:, None].copy()
    return chosen


def disturb(windows: Floats, noises: Mapping[str, Floats], rms: float, rng: np.random.Generator) -> None:
    """Add to each window nothing, one of the noises, or all of them together, of that RMS in mV; in place."""
    names = sorted(noises)
    for window, kind in zip(windows, rng.integers(len(names) + 2, size=len(windows)), strict=True):
        if kind == 0:
            continue
        chosen = names if kind > len(names) else names[kind - 1 : kind]
        mixed = sum(strip(noises[name], window.shape[-1], rng) for name in chosen)
        window += rms / np.sqrt(len(chosen)) * mixed


def lose_stretch(
    windows: Floats, share: tuple[float, float], probability: float, rng: np.random.Generator
) -> None:
    """Set a stretch of some windows to zero, as long as a share of the window within two limits; in place."""
    n = windows.shape[-1]
    for window in windows[rng.random(len(windows)) < probability]:
        length = round(n * rng.uniform(*share))
        start = int(rng.integers(n - length + 1))
        window[..., start : start + length] = 0


@dataclass(frozen=True, slots=True, eq=False)
class Noise:
    """One of NSTDB's noises at 100 Hz, before and after the band-pass that recordings went through.

    A ratio of powers is one of the signal to ``raw``, as in recordings; what an encoder then sees of the
    noise is ``passed``.
    """

    raw: Floats
    passed: Floats

    def add(self, window: Floats, snr_db: float, start: int) -> None:
        """Add a stretch of it to a window (..., time), at a ratio of the powers; in place."""
        end = start + window.shape[-1]
        ratio = window.var() / (self.raw[start:end].var() + 1e-12) * 10 ** (-snr_db / 10)
        window += np.float32(np.sqrt(ratio)) * self.passed[start:end]


@cache
def recorded_noise(half: int) -> dict[str, Noise]:
    """NSTDB's noises (bw, em, ma): half 0 of each trains, half 1 tests.

    Raises
    ------
    ConfigError
        The data set is not at hand.
    """
    found = {}
    for record in data.nstdb(NOISES):
        middle = record.n_samples // 2
        x = record.mv[half * middle : (half + 1) * middle]
        raw = resample_poly(x - x.mean(), round(FS), round(record.fs)).astype(np.float32)
        found[record.id] = Noise(raw, at_100_hz(x, record.fs)[: len(raw)])
    return found


def with_noise(
    windows: Floats, noises: Mapping[str, Noise], snr_db: tuple[float, float], rng: np.random.Generator
) -> None:
    """Add one of the noises to each window, at a ratio of powers between two limits; in place."""
    names = sorted(noises)
    for window in windows:
        noise = noises[names[int(rng.integers(len(names)))]]
        start = int(rng.integers(len(noise.passed) - window.shape[-1] + 1))
        noise.add(window, float(rng.uniform(*snr_db)), start)
