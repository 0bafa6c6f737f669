"""Order statistics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def quantile(ascending: Sequence[float], q: float) -> float:
    """Quantile ``q`` (0 to 1) of values in ascending order, interpolated linearly as by ``numpy.quantile``.

    Examples
    --------
    >>> quantile([1.0, 2.0, 4.0], 0.75)
    3.0
    """
    at = q * (len(ascending) - 1)
    low = int(at)
    high = min(low + 1, len(ascending) - 1)
    return ascending[low] + (at - low) * (ascending[high] - ascending[low])


def median(values: Iterable[float]) -> float:
    """Median of one value or more: what ``statistics.median`` gives, whose module takes long to import.

    Examples
    --------
    >>> median([3.0, 1.0, 2.0]), median([4, 1, 2, 3])
    (2.0, 2.5)
    """
    ascending = sorted(values)
    half = len(ascending) // 2
    return ascending[half] if len(ascending) % 2 else (ascending[half - 1] + ascending[half]) / 2
