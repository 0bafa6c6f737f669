"""Windows around beats as other people, electrodes and days would have shown them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.waves.features import BEFORE, FS, QRS, N, model_input
from ecgedge_export.waves.gather import RATE, Floats, Indices, Marked

NOISE_HEIGHT = 0.35  # RMS of a beat over its height, about: so a ratio of powers becomes one of heights


@dataclass(frozen=True, slots=True)
class Augment:
    """How a window is varied.

    Parameters
    ----------
    p_noise, snr_db : float, (float, float)
        Share of windows with recorded noise, and its ratios in dB.
    p_flip : float
        Share that is turned upside down.
    p_stretch, stretch : float
        Share whose time is stretched, and the largest logarithm of the factor.
    jitter_s : float
        Standard deviation of the place of the R peak: the detector takes another sample than cardiologists.
    """

    p_noise: float = 0.4
    snr_db: tuple[float, float] = (3.0, 27.0)
    p_flip: float = 0.5
    p_stretch: float = 0.7
    stretch: float = 0.25
    jitter_s: float = 0.012


class Cut(NamedTuple):
    """Windows in mV, (k, 144), and the share of each sample that is P, QRS, T and known, (k, 4, 144)."""

    windows: Floats
    shares: Floats


class WaveAugmenter:
    """Draws examples: ``draw(marked, chosen, rng)`` is of shape (k, 5, 144), inputs and :class:`Cut` shares.

    Parameters
    ----------
    how : Augment
    noise : sequence of ndarray
        Filtered noise at 100 Hz.
    knee : float
        See :func:`ecgedge.waves.features.model_input`.
    """

    def __init__(self, how: Augment, noise: Sequence[Floats], knee: float) -> None:
        self._how, self._noise, self._knee = how, noise, knee

    def draw(self, marked: Marked, chosen: Indices, rng: np.random.Generator) -> Floats:
        """Return one varied example for each chosen beat."""
        how, k = self._how, len(chosen)
        factor = np.where(
            rng.random(k) < how.p_stretch, np.exp(rng.uniform(-how.stretch, how.stretch, k)), 1.0
        )
        # Half a sample either way: the grid of 100 Hz lies anywhere to the marks.
        moved = rng.normal(0.0, how.jitter_s, k) + rng.uniform(-0.5, 0.5, k) / FS
        x, shares = cut(marked, chosen, moved, factor)
        sign = np.where(rng.random((k, 1)) < how.p_flip, -1, 1).astype(np.float32)
        inputs = model_input(sign * self._noisy(x, rng), self._knee)
        return np.concatenate([inputs[:, None], shares], axis=1)

    def plain(self, marked: Marked, chosen: Indices) -> Floats:
        """Inputs of beats as they are, shape (k, 144)."""
        still = np.zeros(len(chosen))
        return model_input(cut(marked, chosen, still, still + 1.0).windows, self._knee)

    def _noisy(self, windows: Floats, rng: np.random.Generator) -> Floats:
        """Add noise to some windows, at a ratio to the height of their QRS."""
        heights = np.ptp(windows[:, BEFORE - QRS : BEFORE + QRS + 1], axis=1)
        windows = windows.copy()
        for i in np.flatnonzero(rng.random(len(windows)) < self._how.p_noise):
            source = self._noise[int(rng.integers(len(self._noise)))]
            start = rng.integers(0, len(source) - N)
            piece = source[start : start + N] - source[start : start + N].mean()
            ratio = 10 ** (-rng.uniform(*self._how.snr_db) / 20)
            windows[i] += piece * (NOISE_HEIGHT * ratio * heights[i] / (piece.std() + 1e-6))
        return windows


def cut(
    marked: Marked,
    chosen: Indices,
    moved_s: npt.NDArray[np.float64],
    factor: npt.NDArray[np.float64],
) -> Cut:
    """Windows around beats, moved by some seconds and stretched by a factor."""
    lead = marked.lead[chosen][:, None]
    grid_s = (np.arange(N) - BEFORE) / FS
    at_s = (marked.peak_s[chosen] + moved_s)[:, None] + grid_s * factor[:, None]
    place = (at_s * RATE).clip(0, marked.lengths[lead] - 1.001)
    low = place.astype(np.int64)
    share = (place - low).astype(np.float32)
    windows = marked.signals[lead, low] * (1 - share) + marked.signals[lead, low + 1] * share
    half_s = 0.5 / FS * factor[:, None]
    widths = (2 * half_s * marked.fs).astype(np.float32)[:, :, None]
    shares = (_sums_at(marked, lead, at_s + half_s) - _sums_at(marked, lead, at_s - half_s)) / widths
    return Cut(windows, shares.transpose(0, 2, 1).clip(0, 1))


def _sums_at(marked: Marked, lead: Indices, at_s: npt.NDArray[np.float64]) -> Floats:
    """Sums up to moments, between marks by a line: (k, 144, 4)."""
    place = (at_s * marked.fs).clip(0, marked.sums.shape[2] - 1.001)
    low = place.astype(np.int64)
    share = (place - low).astype(np.float32)[:, :, None]
    sums: Floats = marked.sums[lead, :, low] * (1 - share) + marked.sums[lead, :, low + 1] * share
    return sums
