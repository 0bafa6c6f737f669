"""Windows around beats as other people, electrodes and days would have shown them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.waves.features import BEFORE, FS, QRS, N, model_input
from ecgedge_export.waves.gather import RATE, WAVES, Floats, Indices, Marked

Doubles = npt.NDArray[np.float64]

SHORTEST_TP = 0.05  # of its length: to cut it out would leave a step
ERASED_BESIDE = 2  # samples on either side of a P wave: its skirts lie outside of its marks
P = WAVES.index("P")
PARTS = 4  # of a sample, each with its share; even, since the middle of a sample lies between two
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
    p_fast : float
        Share whose TP segments are shortened, down to nothing: a faster heart keeps its waves and loses
        what lies between T and P. LUDB has one person with sinus tachycardia.
    p_without_p : float
        Share whose P waves are replaced by a line. In LUDB every regular rhythm has them, and the network
        made them up where there were none.
    jitter_s : float
        Standard deviation of the place of the R peak: the detector takes another sample than cardiologists.
    """

    p_noise: float = 0.4
    snr_db: tuple[float, float] = (3.0, 27.0)
    p_flip: float = 0.5
    p_stretch: float = 0.7
    stretch: float = 0.25
    p_fast: float = 0.35
    p_without_p: float = 0.12
    jitter_s: float = 0.012


class Cut(NamedTuple):
    """Windows in mV, (k, 144), and the shares of each sample of :attr:`Marked.sums`, (k, 5, 144)."""

    windows: Floats
    shares: Floats


class WaveAugmenter:
    """Draws examples: ``draw(marked, chosen, rng)`` is of shape (k, 6, 144), inputs and :class:`Cut` shares.

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
        left = np.where(rng.random(k) < how.p_fast, rng.uniform(SHORTEST_TP, 1.0, k), 1.0)
        x, shares = cut(marked, chosen, moved, factor, left)
        for i in np.flatnonzero(rng.random(k) < how.p_without_p):
            _erase_p(x[i], shares[i])
        sign = np.where(rng.random((k, 1)) < how.p_flip, -1, 1).astype(np.float32)
        inputs = model_input(sign * self._noisy(x, rng), self._knee)
        return np.concatenate([inputs[:, None], shares], axis=1)

    def plain(self, marked: Marked, chosen: Indices) -> Floats:
        """Inputs of beats as they are, shape (k, 144)."""
        still = np.zeros(len(chosen))
        return model_input(cut(marked, chosen, still, still + 1.0, still + 1.0).windows, self._knee)

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


def _erase_p(window: Floats, shares: Floats) -> None:
    """Draw a line through the P waves of a window, and make them none, in place.

    A wave that is there at the window's edge stays, since half a line would be a step.
    """
    p = np.concatenate([[0.0], shares[P], [0.0]]) > 0
    turns = np.flatnonzero(p[1:] != p[:-1])
    for start, end in zip(turns[::2] - ERASED_BESIDE, turns[1::2] + ERASED_BESIDE, strict=True):
        if start > 0 and end < N:
            window[start:end] = np.linspace(window[start - 1], window[end], end - start + 2)[1:-1]
            shares[P, start:end] = 0


def cut(marked: Marked, chosen: Indices, moved_s: Doubles, factor: Doubles, tp: Doubles) -> Cut:
    """Windows around beats.

    Parameters
    ----------
    marked : Marked
    chosen : ndarray of int64, shape (k,)
    moved_s, factor, tp : ndarray of float64, shape (k,)
        For each of them how far its middle is from the peak, in seconds, by what its time is stretched, and
        what is left of the TP segments around it.
    """
    lead = marked.lead[chosen][:, None]
    # From edge to edge of the samples, in parts, so that each has a share of every wave. A sample at the end
    # of a TP segment has parts of different length.
    edges_s = moved_s[:, None] + (np.arange(N * PARTS + 1) / PARTS - 0.5 - BEFORE) / FS * factor[:, None]
    edges_s = _with_shorter_tp(edges_s, marked.tp_s[chosen], tp) + marked.peak_s[chosen][:, None]
    place = (edges_s[:, PARTS // 2 :: PARTS] * RATE).clip(0, marked.lengths[lead] - 1.001)
    low = place.astype(np.int64)
    share = (place - low).astype(np.float32)
    windows = marked.signals[lead, low] * (1 - share) + marked.signals[lead, low + 1] * share
    widths = (np.diff(edges_s, axis=1) * marked.fs).astype(np.float32)[:, :, None]
    parts = np.diff(_sums_at(marked, lead, edges_s), axis=1) / widths
    shares = parts.reshape(len(chosen), N, PARTS, -1).mean(axis=2)
    return Cut(windows, shares.transpose(0, 2, 1).clip(0, 1))


def _with_shorter_tp(at_s: Doubles, tp_s: Doubles, left: Doubles) -> Doubles:
    """Moments of the recording, where the TP segments around a beat pass in a part of their time."""
    faster = (1 / left - 1)[:, None]
    (before, own), (end, after) = (tp_s[:, i].T[:, :, None] for i in (0, 1))
    behind = np.clip(at_s - end, 0, (after - end) * left[:, None])
    ahead = np.clip(own - at_s, 0, (own - before) * left[:, None])
    warped: Doubles = at_s + faster * (behind - ahead)
    return warped


def _sums_at(marked: Marked, lead: Indices, at_s: Doubles) -> Floats:
    """Sums up to moments, between marks by a line: (k, m, 4)."""
    place = (at_s * marked.fs).clip(0, marked.sums.shape[2] - 1.001)
    low = place.astype(np.int64)
    share = (place - low).astype(np.float32)[:, :, None]
    sums: Floats = marked.sums[lead, :, low] * (1 - share) + marked.sums[lead, :, low + 1] * share
    return sums
