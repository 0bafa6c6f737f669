"""Measures of heart rate variability over a sliding window of NN intervals."""

from __future__ import annotations

from collections import deque
from math import sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.arithmetic.core import core
from ecgedge.arithmetic.functions import log
from ecgedge.events import HrvMeasures
from ecgedge.hrv.cleaning import Interval
from ecgedge.hrv.ordered import Ordered
from ecgedge.hrv.spectrum import BandPowers, band_powers

SPECTRUM_S = 300.0  # a slow wave of LF lasts 25 s, and a spectrum wants ten of them
SPECTRUM_USABLE = 0.8
ENTROPY_LEAST = 100  # 10 ** m intervals: Richman and Moorman, Am J Physiol 278(6), 2000
TOLERANCE = 0.2
ENTROPY_MOST = 2048  # the matrix of pairs stays below 5 MB, whatever the window


class Moments:
    """Count, sum and sum of squares of integers: exact, so that nothing drifts however long it runs."""

    __slots__ = ("n", "squares", "total")

    def __init__(self) -> None:
        self.n = self.total = self.squares = 0

    def add(self, value: int, times: int = 1) -> None:
        """Count a value in; out again with ``times=-1``."""
        self.n += times
        self.total += times * value
        self.squares += times * value * value

    @property
    def mean(self) -> float | None:
        return self.total / self.n if self.n else None

    @property
    def rms(self) -> float | None:
        return sqrt(float(self.squares) / self.n) if self.n else None

    @property
    def deviation(self) -> float | None:
        """Standard deviation with n - 1."""
        spread = self.n * self.squares - self.total * self.total  # exact: no cancellation
        return sqrt(float(spread) / (self.n * (self.n - 1))) if self.n > 1 else None


class _Robust(NamedTuple):
    """Measures that a single odd interval does not move."""

    median_ms: float | None
    mad_ms: float | None
    iqr_ms: float | None


class _Kept:
    __slots__ = ("before_us", "interval")

    def __init__(self, interval: Interval, before_us: int | None) -> None:
        self.interval = interval
        self.before_us = before_us  # the NN interval that it follows, where that is in the window too


class NnWindow:
    """The intervals of the last ``window_s`` seconds.

    A new interval costs O(1) for all sums, and O(log n) to find plus a memory move of n pointers to make its
    place in the sorted list. Sample entropy (O(n²), in numpy) and spectrum (O(n) for each of some hundred
    frequencies) are computed when :meth:`measures` is asked for.

    Examples
    --------
    >>> window = NnWindow(window_s=60.0)
    >>> for i, rr in enumerate([800_000, 800_000, 900_000, 800_000]):
    ...     window.add(Interval(end_s=0.9 * (i + 1), rr_us=rr, normal=True, follows=i > 0))
    >>> m = window.measures(0.0, 3.6)
    >>> m.mean_nn_ms, m.sdnn_ms, round(m.rmssd_ms, 2), m.median_nn_ms
    (825.0, 50.0, 81.65, 800.0)
    """

    def __init__(self, window_s: float) -> None:
        self.window_s = window_s
        self._kept: deque[_Kept] = deque()
        self._nn, self._steps, self._pairs = Moments(), Moments(), Moments()
        self._sorted = Ordered()
        self._over_20 = self._over_50 = 0

    def __len__(self) -> int:
        return self._nn.n

    def add(self, interval: Interval) -> None:
        """Take an interval that ended later than the ones before it."""
        last = self._kept[-1].interval if self._kept else None
        joined = interval.normal and interval.follows and last is not None and last.normal
        kept = _Kept(interval, last.rr_us if joined and last else None)
        self._kept.append(kept)
        self._count(kept, 1)
        if interval.normal:
            self._sorted.add(interval.rr_us)

    def forget(self, start_s: float) -> None:
        """Drop the intervals that began before ``start_s``."""
        # Half a microsecond: an interval is rounded to whole ones.
        while (
            self._kept and self._kept[0].interval.end_s - self._kept[0].interval.rr_us * 1e-6 < start_s - 5e-7
        ):
            kept = self._kept.popleft()
            self._count(kept, -1)
            if kept.interval.normal:
                self._sorted.remove(kept.interval.rr_us)
            if self._kept:
                self._part(self._kept[0])

    def _count(self, kept: _Kept, times: int) -> None:
        if kept.interval.normal:
            self._nn.add(kept.interval.rr_us, times)
        if kept.before_us is not None:
            self._count_pair(kept.before_us, kept.interval.rr_us, times)

    def _count_pair(self, before: int, after: int, times: int) -> None:
        step = after - before
        self._steps.add(step, times)
        self._pairs.add(after + before, times)
        self._over_20 += times * (abs(step) > 20_000)
        self._over_50 += times * (abs(step) > 50_000)

    def _part(self, kept: _Kept) -> None:
        """The interval before this one has left: so has their difference."""
        if kept.before_us is not None:
            self._count_pair(kept.before_us, kept.interval.rr_us, -1)
            kept.before_us = None

    def measures(self, start_s: float, end_s: float) -> HrvMeasures:
        """Measure the window, which lasts from ``start_s`` to ``end_s`` and holds every interval kept.

        Cost: about half a millisecond for 300 intervals.
        """
        usable = min(1.0, self._nn.total * 1e-6 / (end_s - start_s)) if end_s > start_s else 0.0
        mean, sdnn, rmssd = _ms(self._nn.mean), _ms(self._nn.deviation), _ms(self._steps.rms)
        sdsd, pair = _ms(self._steps.deviation), _ms(self._pairs.deviation)
        robust = self._robust()
        lf, hf = (
            self._bands() if end_s - start_s >= SPECTRUM_S and usable >= SPECTRUM_USABLE else (None, None)
        )
        return HrvMeasures(
            n_rr=len(self._kept),
            n_nn=self._nn.n,
            usable=usable,
            mean_nn_ms=mean,
            sdnn_ms=sdnn,
            rmssd_ms=rmssd,
            sdsd_ms=sdsd,
            pnn20=_ratio(self._over_20, self._steps.n),
            pnn50=_ratio(self._over_50, self._steps.n),
            cvnn=_ratio(sdnn, mean),
            cvsd=_ratio(rmssd, mean),
            median_nn_ms=robust.median_ms,
            mad_nn_ms=robust.mad_ms,
            iqr_nn_ms=robust.iqr_ms,
            sd1_ms=_ratio(sdsd, sqrt(2)),
            sd2_ms=_ratio(pair, sqrt(2)),
            sample_entropy=self._entropy(),
            lf_ms2=lf,
            hf_ms2=hf,
            lf_hf=_ratio(lf, hf),
        )

    def _robust(self) -> _Robust:
        if not len(self._sorted):
            return _Robust(None, None, None)
        median = self._sorted.quantile(0.5)
        mad = float(np.median(np.abs(np.array(self._sorted.values) - median)))
        iqr = self._sorted.quantile(0.75) - self._sorted.quantile(0.25)
        return _Robust(median / 1e3, mad / 1e3, iqr / 1e3)

    def _bands(self) -> BandPowers:
        normal = [k.interval for k in self._kept if k.interval.normal]
        return band_powers([i.end_s for i in normal], [i.rr_us / 1e3 for i in normal])

    def _entropy(self) -> float | None:
        """Sample entropy of the most recent intervals, at most 2048 of them."""
        spread = self._nn.deviation
        if self._nn.n < ENTROPY_LEAST or not spread:
            return None
        normal = [k for k in self._kept if k.interval.normal][-ENTROPY_MOST:]
        rr = np.array([k.interval.rr_us for k in normal], np.int32)
        joined = np.array([k.before_us is not None for k in normal])
        return sample_entropy(rr, joined, TOLERANCE * spread)


def sample_entropy(x: npt.NDArray[np.integer], joined: npt.NDArray[np.bool_], r: float) -> float | None:
    """Sample entropy with m = 2 of a series in pieces.

    Parameters
    ----------
    x : array of int, shape (n,)
        Within 32 bits.
    joined : array of bool, shape (n,)
        Whether a value continues the one before it.
    r : float
        Tolerance, in the unit of ``x``; a distance of exactly ``r`` is a match.

    Returns
    -------
    float or None
        None where nothing matches: the logarithm of 0 or of 0 / 0.

    Examples
    --------
    >>> x = np.array([1, 2, 1, 2, 1, 2, 1, 3])
    >>> round(sample_entropy(x, np.arange(8) > 0, 0.5), 4)
    0.4055
    """
    if core is not None and 0 <= r < 2**31:
        return _compiled_entropy(x, joined, int(r))
    return entropy_in_numpy(x, joined, r)


def _compiled_entropy(x: npt.NDArray[np.integer], joined: npt.NDArray[np.bool_], r: int) -> float | None:
    assert core is not None
    values, flags = np.ascontiguousarray(x, np.int32), np.ascontiguousarray(joined, np.uint8)
    entropy: float | None = core.sample_entropy(values, flags, r)
    return entropy


def entropy_in_numpy(x: npt.NDArray[np.integer], joined: npt.NDArray[np.bool_], r: float) -> float | None:
    """:func:`sample_entropy` in numpy: what the compiled core is tested against."""
    distance = np.subtract.outer(x, x)
    close = np.abs(distance, out=distance) <= int(r)  # an integer, or every distance would become a float
    two, three = close[:-2, :-2] & close[1:-1, 1:-1], close[2:, 2:]
    whole = joined[1:-1] & joined[2:]
    if not whole.all():
        two, three = two[whole][:, whole], three[whole][:, whole]
    matches = np.count_nonzero(two) - len(two)  # each template matches itself
    longer = np.count_nonzero(two & three) - len(two)
    return log(matches / longer) if longer > 0 else None


def _ms(us: float | None) -> float | None:
    return None if us is None else us / 1e3


def _ratio(a: float | None, b: float | None) -> float | None:
    return a / b if a is not None and b else None
