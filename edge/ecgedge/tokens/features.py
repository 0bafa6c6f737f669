"""A beat as a word: the signal from midpoint to midpoint of the neighbouring R peaks, at 100 Hz.

Training and live inference both call :func:`word`, so that they cannot drift apart. The cut is that of
HeartLang (Jin et al., ICLR 2025): at most 96 samples, R in the middle, zeros beyond the midpoints. What is
not the beat's own is zero before anything looks at it: a network with a kernel wider than one sample, run
over the whole signal first, would have mixed each word with its neighbours.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.stream.amplitude import FLOOR_MV
from ecgedge.stream.ring import Ring

Floats = npt.NDArray[np.float32]

FS = 100.0
N = 96
HALF = N // 2  # samples before the R peak; it stands at place HALF
# A cubic through four samples reads between them: the R peak is known to a fraction of a sample, and a QRS
# that is half a sample off is another word.
_REACH = 2


class Bounds(NamedTuple):
    """Where a word begins, and where it has ended, in samples from the R peak (negative before it)."""

    start: float
    end: float


def bounds(previous: float | None, peak: float, following: float | None, first: float, last: float) -> Bounds:
    """Midpoints to the neighbours, the ends of the segment where there are none; within 96 samples.

    Parameters
    ----------
    previous, peak, following : float
        Positions of R peaks; None where there is no such beat.
    first, last : float
        The segment's first position, and the one behind its last.

    Examples
    --------
    >>> bounds(0.0, 80.0, 170.0, first=0, last=1000)
    Bounds(start=-40.0, end=45.0)
    >>> bounds(None, 30.0, 300.0, first=0, last=1000)
    Bounds(start=-30.0, end=48.0)
    """
    before = first if previous is None else (previous + peak) / 2
    behind = last if following is None else (peak + following) / 2
    return Bounds(max(before - peak, -float(HALF)), min(behind - peak, float(HALF)))


def read_at(x: npt.NDArray[np.floating], place: npt.NDArray[np.floating]) -> Floats:
    """Values between the samples of ``x``, by a cubic through the four around each place (Catmull and Rom).

    Parameters
    ----------
    x : array, shape (n,) or (n, k)
    place : array, shape (m,)
        From 1 to below ``n - 2``.

    Examples
    --------
    >>> read_at(np.arange(6.0) ** 2, np.array([2.0, 2.5])).tolist()
    [4.0, 6.25]
    """
    low = np.floor(place).astype(np.int64)
    f = np.asarray(place - low, np.float32)
    a, b, c, d = (np.asarray(x[low + i], np.float32) for i in (-1, 0, 1, 2))
    if a.ndim > 1:
        f = f[:, None]
    half = np.float32(0.5)
    out: Floats = b + half * f * (c - a + f * (2 * a - 5 * b + 4 * c - d + f * (3 * (b - c) + d - a)))
    return out


def word(ring: Ring, peak: float, at: Bounds) -> Floats:
    """Cut the word of a beat: float32 of shape (96,) in mV, zeros outside of its bounds.

    Parameters
    ----------
    ring : Ring
        Filtered signal at 100 Hz.
    peak : float
        Position of the R peak.
    at : Bounds
    """
    whole = math.floor(peak)
    first = whole - HALF - _REACH
    x = ring.extended(first, first + N + 2 * _REACH)
    steps = np.arange(-HALF, HALF, dtype=np.float64)
    cut = read_at(x, steps + (peak - first))
    return np.where((steps >= at.start) & (steps < at.end), cut, np.float32(0))


def model_input(words: npt.NDArray[np.floating]) -> Floats:
    """Prepare words for the network: over their height, peak to peak, of at least 0.02 mV.

    Parameters
    ----------
    words : array, shape (..., 96)
        In mV.

    Examples
    --------
    >>> x = np.zeros(N)
    >>> x[HALF], x[HALF + 3] = 1.5, -0.5
    >>> float(model_input(x)[HALF])
    0.75
    """
    x = np.asarray(words, np.float32)
    height = x.max(axis=-1, keepdims=True) - x.min(axis=-1, keepdims=True)
    scaled: Floats = x / np.maximum(height, np.float32(FLOOR_MV))
    return scaled
