"""A mirrored ring buffer: one writer, many readers, windows that are views and never copies.

Every sample is stored twice, one capacity apart, so that any stretch of the last ``capacity`` samples lies
in one piece somewhere. Positions are counts since the start of the segment (Python integers: they never
wrap); every reader keeps its own.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

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

    def reset(self) -> None:
        """Start afresh at position 0."""
        self.written = 0

    def write(self, x: npt.ArrayLike) -> None:
        """Append samples; the oldest are overwritten."""
        x = np.asarray(x, np.float32)
        kept = x[-self.capacity :]  # more than fits: only the end of it
        at = (self.written + len(x) - len(kept)) % self.capacity
        end = at + len(kept)
        self._store[at : min(end, 2 * self.capacity)] = kept
        # Mirror what lies in either half, at most two pieces: the end of the first half and its overflow.
        first = min(end, self.capacity)
        self._store[self.capacity + at : self.capacity + first] = kept[: first - at]
        if end > self.capacity:
            self._store[: end - self.capacity] = kept[first - at :]
        self.written += len(x)

    def view(self, start: int, end: int) -> Signal:
        """Return samples ``start`` to ``end`` as a read-only view, valid until they are overwritten.

        Raises
        ------
        IndexError
            Some of them are not there any more, or not yet.
        """
        if not self.oldest <= start <= end <= self.written:
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
