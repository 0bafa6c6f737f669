"""A mirrored ring buffer: one writer, many readers, windows that are views and never copies.

Every sample is stored twice, one capacity apart, so that any stretch of the last ``capacity`` samples lies
in one piece somewhere. Positions are counts since the start of the segment (Python integers: they never
wrap); every reader keeps its own.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ecgedge.arithmetic.core import core

Signal = npt.NDArray[np.float32]


class Ring:
    """Keeps the last ``capacity`` samples.

    Examples
    --------
    >>> import numpy as np
    >>> ring = Ring(4)
    >>> for chunk in ([1, 2, 3], [4, 5]):
    ...     ring.write(np.array(chunk, np.float32))
    >>> ring.written, ring.view(2, 5).tolist()
    (5, [3.0, 4.0, 5.0])
    """

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError("a ring needs room for at least one sample")
        self.capacity = capacity
        # float32 holds 24 bits, as many as any ECG front end gives, in half the memory.
        self._store = np.zeros(2 * capacity, np.float32)
        # Views of it go to every stage; one that wrote into them would change what the others see.
        self._read_only = self._store.view()
        self._read_only.flags.writeable = False
        self.written = 0

    @property
    def oldest(self) -> int:
        """Position of the oldest sample still kept."""
        return max(0, self.written - self.capacity)

    @property
    def mirrored(self) -> Signal:
        """The whole store, read-only: sample ``i`` lies at ``i % capacity``, and once more a capacity on."""
        return self._read_only

    def reset(self) -> None:
        """Start afresh at position 0."""
        self.written = 0

    def write(self, x: npt.ArrayLike, less: float = 0.0) -> None:
        """Append samples, less a constant; the oldest are overwritten."""
        x = np.ascontiguousarray(x, np.float64)
        _append(self._store, self.written, x, less)
        self.written += len(x)

    def view(self, start: int, end: int) -> Signal:
        """Return samples ``start`` to ``end`` as a read-only view, valid until they are overwritten.

        Raises
        ------
        IndexError
            Some of them are not there any more, or not yet.
        """
        if not 0 <= start <= end <= self.written or start < self.written - self.capacity:
            raise IndexError(f"samples {start} to {end} asked for, {self.oldest} to {self.written} kept")
        at = start % self.capacity
        return self._read_only[at : at + end - start]

    def extended(self, start: int, end: int) -> Signal:
        """Return samples ``start`` to ``end``, with the outermost kept ones repeated for those that are not.

        Examples
        --------
        >>> ring = Ring(4)
        >>> ring.write([1.0, 2.0])
        >>> ring.extended(-2, 4).tolist()
        [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]
        """
        low, high = max(self.oldest, start), min(self.written, end)
        x = self.view(low, high)
        return x if len(x) == end - start else np.pad(x, (low - start, end - high), mode="edge")


def append(store: Signal, written: int, x: npt.NDArray[np.float64], less: float) -> None:
    """Append samples, less a constant, to the store of a ring that ``written`` came to before."""
    capacity = len(store) // 2
    kept = x[-capacity:] - less  # more than fits: only the end of it
    at = (written + len(x) - len(kept)) % capacity
    end = at + len(kept)
    store[at : min(end, 2 * capacity)] = kept
    # Mirror what lies in either half, at most two pieces: the end of the first half and its overflow.
    first = min(end, capacity)
    store[capacity + at : capacity + first] = kept[: first - at]
    if end > capacity:
        store[: end - capacity] = kept[first - at :]


_append = core.ring_write if core else append
