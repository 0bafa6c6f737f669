"""Saturation: how much of a stretch lies on a rail of the amplifier or of the converter.

Measured on the samples as they came: behind the high pass a rail is a slow slope like any other. A rail is
the extreme of the stretch, reached steeply and held. A slow wave's turning point comes gently, and where the
baseline of a lead lies at an extreme, most samples are there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.arithmetic.core import core

Signal = npt.NDArray[np.floating]
Floats = npt.NDArray[np.float32]

# A rail is so wide, as a share of the range, or so many steps of the converter: it jitters by two of them.
WIDTH, STEPS = 0.005, 4
WIDEST = 0.03  # of the range: coarse converters have few steps
HELD_S = 0.03  # the top of an R wave is not so flat for so long
# Just inside a rail there are this much fewer samples than on it; at a slow wave's turning point, 0.7 times.
STEEP = 0.5
AWAY = 0.3  # of the range, from the median: else it is the baseline
LONG_S = 1.5  # held so long at one value, it is no baseline between two beats


class Clipping(NamedTuple):
    """Share of samples on a rail, and the longest stretch at one value, in seconds."""

    share: float
    held_s: float


def clipping(x: Signal, fs: float) -> Clipping:
    """Measure how much of a stretch lies on rails.

    Parameters
    ----------
    x : array, shape (n,)
        Samples before any filter, in any unit; taken as float32.
    fs : float
        Their rate in Hz.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.clip(4 * np.sin(np.arange(1300) / 100), -2, 2)
    >>> round(clipping(x, fs=130).share, 2)
    0.65
    """
    x = np.ascontiguousarray(x, np.float32)
    return Clipping(*core.clipping(x, fs)) if core else in_numpy(x, fs)


def in_numpy(x: Floats, fs: float) -> Clipping:
    """:func:`clipping` in numpy: what the compiled core is tested against."""
    low, high = (float(np.min(x)), float(np.max(x))) if len(x) else (0.0, 0.0)
    if not high > low:
        return Clipping(0.0, len(x) / fs)
    width = min(max(WIDTH * (high - low), STEPS * _step(x)), WIDEST * (high - low))
    middle = _median(x)
    bottom, top = (
        _rail(d, width, fs, abs(at - middle) >= AWAY * (high - low))
        for d, at in ((x - np.float32(low), low), (np.float32(high) - x, high))
    )
    return Clipping(bottom.share + top.share, max(bottom.held_s, top.held_s))


def _median(x: Floats) -> float:
    ordered = np.sort(x)
    return (float(ordered[(len(x) - 1) // 2]) + float(ordered[len(x) // 2])) / 2


def _rail(depth: Floats, width: float, fs: float, away: bool) -> Clipping:
    """The same of one side; ``depth`` is the distance of each sample from its extreme."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], depth <= np.float32(width), [0]]).astype(np.int8)))
    lengths = edges[1::2] - edges[::2]
    held = lengths[lengths >= max(3, round(HELD_S * fs))]
    on, longest_s = int(held.sum()), float(lengths.max()) / fs
    beside = int(np.count_nonzero((depth > np.float32(width)) & (depth <= np.float32(3 * width))))
    steep = beside <= STEEP * on
    return Clipping(on / len(depth) if steep and (away or longest_s > LONG_S) else 0.0, longest_s)


def _step(x: Floats) -> float:
    """The smallest difference between two values."""
    steps = np.diff(np.unique(x))
    return float(steps.min()) if len(steps) else 0.0
