"""Order statistics of a bounded set of numbers that changes one value at a time."""

from __future__ import annotations

from bisect import bisect_left, insort

from ecgedge.arithmetic.order import quantile


class Ordered:
    """A sorted list: finding a place costs O(log n), making room a memory move of at most n pointers.

    Examples
    --------
    >>> values = Ordered()
    >>> for v in (5, 1, 3, 2):
    ...     values.add(v)
    >>> values.remove(5)
    >>> values.quantile(0.5), values.quantile(0.25)
    (2.0, 1.5)
    """

    def __init__(self) -> None:
        self.values: list[float] = []

    def __len__(self) -> int:
        return len(self.values)

    def add(self, value: float) -> None:
        """Put a value into its place."""
        insort(self.values, value)

    def remove(self, value: float) -> None:
        """Take out one copy of a value that is there."""
        del self.values[bisect_left(self.values, value)]

    def quantile(self, q: float) -> float:
        """Return the quantile ``q`` (0 to 1), interpolated linearly as by ``numpy.quantile``."""
        return quantile(self.values, q)
