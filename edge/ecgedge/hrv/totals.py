"""Heart rate variability of a whole recording, in memory that does not grow with it."""

from __future__ import annotations

from collections import Counter
from math import sqrt

import numpy as np
import numpy.typing as npt

from ecgedge.hrv.cleaning import Interval
from ecgedge.hrv.measures import Moments

__all__ = ["NnTotals"]

CELL_US = 4_000  # pairs are counted to 4 ms, half a sample of a strap


class NnTotals:
    """Sums over all NN intervals, and how often each pair of neighbours occurs.

    Definitions as in :class:`ecgedge.events.HrvMeasures`; those that need every interval at once (medians,
    entropy, spectra) are for windows alone.

    Examples
    --------
    >>> totals = NnTotals()
    >>> for i, rr in enumerate([800_000, 800_000, 900_000, 800_000]):
    ...     totals.add(Interval(end_s=0.9 * (i + 1), rr_us=rr, normal=True, follows=i > 0))
    >>> totals.count, totals.sdnn_ms, round(totals.rmssd_ms, 2), len(totals.pairs_ms())
    (4, 50.0, 81.65, 3)
    """

    def __init__(self) -> None:
        self._nn, self._steps, self._sums = Moments(), Moments(), Moments()
        self._over_50 = 0
        self._before: Interval | None = None
        self._pairs: Counter[tuple[int, int]] = Counter()

    def add(self, interval: Interval) -> None:
        """Take an interval that ended later than the ones before it."""
        before, self._before = self._before, interval if interval.normal else None
        if not interval.normal:
            return
        self._nn.add(interval.rr_us)
        if before is None or not interval.follows:
            return
        step = interval.rr_us - before.rr_us
        self._steps.add(step)
        self._sums.add(interval.rr_us + before.rr_us)
        self._over_50 += abs(step) > 50_000
        self._pairs[before.rr_us // CELL_US, interval.rr_us // CELL_US] += 1

    @property
    def count(self) -> int:
        """NN intervals so far."""
        return self._nn.n

    @property
    def mean_nn_ms(self) -> float | None:
        """Their mean."""
        return _ms(self._nn.mean)

    @property
    def sdnn_ms(self) -> float | None:
        """Standard deviation of all."""
        return _ms(self._nn.deviation)

    @property
    def rmssd_ms(self) -> float | None:
        """Root mean square of differences between neighbours."""
        return _ms(self._steps.rms)

    @property
    def pnn50(self) -> float | None:
        """Share of differences beyond 50 ms."""
        return self._over_50 / self._steps.n if self._steps.n else None

    @property
    def sd1_ms(self) -> float | None:
        """Half axis of the Poincaré plot across its diagonal."""
        return _ms(self._steps.deviation, sqrt(2))

    @property
    def sd2_ms(self) -> float | None:
        """Half axis along its diagonal."""
        return _ms(self._sums.deviation, sqrt(2))

    def pairs_ms(self) -> npt.NDArray[np.float64]:
        """Return each interval and the next one, in ms, to the middle of 4 ms; shape (n, 2)."""
        if not self._pairs:
            return np.zeros((0, 2))
        cells = sorted(self._pairs)
        middle = (np.array(cells, np.float64) + 0.5) * CELL_US / 1e3
        return np.repeat(middle, [self._pairs[cell] for cell in cells], axis=0)


def _ms(us: float | None, over: float = 1.0) -> float | None:
    return None if us is None else us / 1e3 / over
