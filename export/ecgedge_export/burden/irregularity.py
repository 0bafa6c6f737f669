"""Atrial fibrillation from the intervals between beats alone: figures of a window of them.

Every figure is of intervals over their mean or of ranks, but for the rate itself, so that it means the same
in 20 intervals and in 60.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

N_RR = 60  # intervals of a window, as in the literature
LEAST_RR = 20  # below which nothing is said
# Lake and Moorman, Am J Physiol Heart Circ Physiol 300(1), 2011: begin with 30 ms, widen until 5 pairs match.
TOLERANCE_S, MATCHES = 0.03, 5
LONGEST_S, SHORTEST_S = 3.0, 0.2  # beyond these a detector has missed a beat, or made one up
SAME = 0.05  # of the mean: intervals that differ by less are about the same
_CHUNK = 256  # windows at once: their pairs take 7 MB

NAMES = (
    "log mean RR", "SD", "RMSSD", "median change", "changes > 5 %", "changes > 10 %", "changes > 20 %",
    "COSEn", "correlation of changes", "correlation of intervals", "changes over two", "changes over three",
    "nearest of three", "nearest of three > 10 %", "IQR", "skewness",
)  # fmt: skip


def features(rr_s: Array) -> Array:
    """Figures of windows of intervals.

    Parameters
    ----------
    rr_s : array, shape (n, k)
        ``n`` windows of ``k`` intervals each, in seconds, four at least.

    Returns
    -------
    array, shape (n, 16)
        :data:`NAMES`: rate, spread and changes of intervals over their mean; how well one interval foretells
        the next (COSEn); whether intervals repeat with a period of two or three, as in bigeminy and
        trigeminy, in which they change as much as in AF.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> steady, irregular = np.full((1, 60), 0.8), rng.uniform(0.4, 1.2, (1, 60))
    >>> place = NAMES.index("RMSSD")
    >>> bool(features(steady)[0, place] < features(irregular)[0, place])
    True
    """
    rr = np.clip(np.asarray(rr_s, np.float64), SHORTEST_S, LONGEST_S)
    mean = rr.mean(axis=1, keepdims=True)
    x = rr / mean
    change = np.diff(x, axis=1)
    size = np.abs(change)
    lags = [np.abs(x[:, 3:] - x[:, 3 - lag : -lag]) for lag in (1, 2, 3)]
    nearest = np.minimum.reduce(lags)
    columns = (
        np.log(mean[:, 0]),
        x.std(axis=1),
        np.sqrt(np.mean(change**2, axis=1)),
        np.median(size, axis=1),
        *(np.mean(size > limit, axis=1) for limit in (SAME, 2 * SAME, 4 * SAME)),
        np.concatenate([cosen(rr[i : i + _CHUNK]) for i in range(0, len(rr), _CHUNK)] or [np.empty(0)]),
        _correlation(change[:, 1:], change[:, :-1]),
        _correlation(x[:, 1:], x[:, :-1]),
        np.median(lags[1], axis=1),
        np.median(lags[2], axis=1),
        np.mean(nearest, axis=1),
        np.mean(nearest > 2 * SAME, axis=1),
        np.subtract(*np.quantile(x, [0.75, 0.25], axis=1)),
        np.mean((x - 1) ** 3, axis=1) / (x.var(axis=1) + 1e-6) ** 1.5,
    )
    return np.stack(columns, axis=1)


def cosen(rr_s: Array) -> Array:
    """Coefficient of sample entropy of windows of intervals: high where no interval foretells the next one.

    Parameters
    ----------
    rr_s : array, shape (n, k)
        In seconds.

    Examples
    --------
    >>> steady = 0.8 + 0.001 * np.sin(np.arange(12.0))[None]
    >>> cosen(steady).round(2)
    array([-2.59])
    """
    rr = np.asarray(rr_s, np.float64)
    i, j = np.triu_indices(rr.shape[1] - 1, 1)
    now = np.abs(rr[:, i] - rr[:, j])
    both = np.maximum(now, np.abs(rr[:, i + 1] - rr[:, j + 1]))
    place = min(MATCHES, both.shape[1]) - 1
    tolerance = np.maximum(TOLERANCE_S, np.partition(both, place, axis=1)[:, place])
    limit = tolerance[:, None]
    entropy = -np.log(np.sum(both <= limit, axis=1) / np.sum(now <= limit, axis=1))
    out: Array = entropy + np.log(2 * tolerance) - np.log(rr.mean(axis=1))
    return out


def _correlation(a: Array, b: Array) -> Array:
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    floor = 1e-6 * a.shape[1]  # a thousandth of an interval in each: less is no movement
    power = np.sqrt((np.sum(a * a, axis=1) + floor) * (np.sum(b * b, axis=1) + floor))
    out: Array = np.sum(a * b, axis=1) / power
    return out
