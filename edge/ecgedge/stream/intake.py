"""What may enter the stream: one lead of numbers, in runs between what is no number."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.arithmetic.core import core

Array = npt.NDArray[np.float64]

# Raw counts of a 32-bit front end reach 2e9, and everything behind the filters is free of scale. What is
# beyond this is no measurement, and powers of it would not fit float32.
LIMIT = 1e12
# One or two samples that are missing are drawn as a straight line: 15 ms at 130 Hz, in which no wave fits.
BRIDGED = 2
BRIDGED_S = 0.02
# Between two bridges at least so many samples came, else the signal would be made up more than measured.
BETWEEN = 5
# A whole recording is taken so many samples at a time: as float64 a day at 250 Hz would fill 170 MB.
PIECE = 8192


class Run(NamedTuple):
    """Samples ``start`` to ``end`` of a block; None: they are no numbers."""

    start: int
    end: int
    samples: Array | None


def one_lead(samples: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return samples as an array, of the type that they have, if they are one lead of numbers.

    Raises
    ------
    TypeError, ValueError
        The samples are no one-dimensional array of numbers.

    Examples
    --------
    >>> one_lead([1, 2, 3]).tolist()
    [1, 2, 3]
    """
    x = np.asanyarray(samples)
    if x.ndim != 1:
        raise ValueError(f"samples of shape {x.shape}: give one lead as a one-dimensional array in mV")
    if x.dtype.kind not in "iuf":
        raise TypeError(f"samples of type {x.dtype}: give numbers, in mV")
    return x


def numbers(lead: npt.NDArray[Any]) -> Array | None:
    """Samples as float64 if they are one run of numbers, as nearly all blocks are; else see :func:`runs`.

    Examples
    --------
    >>> numbers(np.array([1, 2])), numbers(np.array([1.0, np.nan]))
    (array([1., 2.]), None)
    """
    if not 0 < len(lead) <= PIECE:
        return None
    x = _as_float64(lead)
    return x if _within(x, LIMIT) else None


def runs(lead: npt.NDArray[Any]) -> Iterator[Run]:
    """Split samples into runs of numbers and of what is none: not finite, masked, or beyond :data:`LIMIT`.

    A run is float64 and of :data:`PIECE` samples at most: one that is longer goes on in the next.

    Examples
    --------
    >>> import numpy as np
    >>> [run.samples for run in runs(np.ma.masked_equal([1, 2, 99], 99))]
    [array([1., 2.]), None]
    """
    for at in range(0, len(lead), PIECE):
        x = _as_float64(lead[at : at + PIECE])
        if _within(x, LIMIT):
            yield Run(at, at + len(x), x)
            continue
        with np.errstate(invalid="ignore"):
            good = np.abs(x) <= LIMIT  # False for NaN as well
        edges = [0, *(np.flatnonzero(good[1:] != good[:-1]) + 1).tolist(), len(x)]
        for start, end in pairwise(edges):
            yield Run(at + start, at + end, x[start:end] if good[start] else None)


def _as_float64(x: npt.NDArray[Any]) -> Array:
    """The same numbers, with NaN where a masked array has no value."""
    if isinstance(x, np.ma.MaskedArray):
        x = np.ma.filled(x.astype(np.float64), np.nan)
    return np.ascontiguousarray(x, np.float64)


def within(x: Array, limit: float) -> bool:
    """Whether all samples are numbers, and none is beyond a limit."""
    with np.errstate(invalid="ignore"):
        return not len(x) or bool(
            np.abs(x).max() <= limit
        )  # NaN is the largest of all, and no comparison holds


_within = core.within if core else within


class Bridges:
    """Straight lines over one or two missing samples, counted: they make no gap.

    Parameters
    ----------
    fs : float
        Rate of the samples in Hz.
    at : int
        Where the segment begins.

    Examples
    --------
    >>> bridges = Bridges(130.0, 0)
    >>> bridges.possible(100, 102), bridges.possible(100, 103)
    (True, False)
    >>> bridges.line(100, 102, 1.0, 4.0).tolist(), bridges.count
    ([2.0, 3.0], 2)
    """

    def __init__(self, fs: float, at: int) -> None:
        self._most = min(BRIDGED, round(BRIDGED_S * fs))
        self._solid_from, self.first, self.count = at, at, 0

    def possible(self, start: int, end: int) -> bool:
        """Whether a line may stand for what is missing from ``start`` to ``end``."""
        return end - start <= self._most and start - self._solid_from >= BETWEEN

    def line(self, start: int, end: int, before: float, after: float) -> Array:
        """Values from ``start`` to ``end`` between the samples before and after them."""
        if not self.count:
            self.first = start
        self._solid_from = end
        self.count += end - start
        return before + (after - before) * np.arange(1, end - start + 1) / (end - start + 1)

    def told(self) -> str:
        """Words about what was bridged since the last time; it is forgotten."""
        count, self.count = self.count, 0
        return f"{count} missing sample{'s were' if count > 1 else ' was'} bridged by straight lines"
