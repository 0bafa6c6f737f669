"""How regular beats are: the median interval, and how far apart most intervals lie."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from ecgedge.arithmetic.order import quantile

__all__ = ["Spread", "spread"]


class Spread(NamedTuple):
    """Median, and width of the middle 80 %, in the unit of the times."""

    middle: float
    width: float


def spread(times: Sequence[float]) -> Spread:
    """Measure the intervals between at least two times.

    Examples
    --------
    >>> middle, width = spread([0.0, 1.0, 2.0, 3.5])
    >>> middle, round(width, 6)
    (1.0, 0.4)
    """
    intervals = sorted(b - a for a, b in pairwise(times))
    return Spread(quantile(intervals, 0.5), quantile(intervals, 0.9) - quantile(intervals, 0.1))
