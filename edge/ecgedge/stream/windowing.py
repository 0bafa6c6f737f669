"""When a window of the signal is due."""

from __future__ import annotations

from typing import NamedTuple

from ecgedge.stream.segment import Segment

# What is left over at a segment's end becomes a window of its own if it is this long: 2 s hold two or three
# beats.
REMAINDER_S = 2.0


class Stretch(NamedTuple):
    """Part of a segment, as positions."""

    start: int
    end: int


class Windows:
    """A window is due every hop, once its beats are complete, and for the remainder when the segment ends.

    Parameters
    ----------
    fs : float
        Rate of the segment in Hz.
    length_s, hop_s : float
        Length of a window, and time from one to the next.
    first_s : float
        End of the first window of a segment; it is shorter if this is less than ``length_s``.
    shortest_s : float
        A segment of less gets no window for its remainder.
    """

    def __init__(self, fs: float, length_s: float, hop_s: float, first_s: float, shortest_s: float) -> None:
        self._length, self._hop, self._first = round(length_s * fs), round(hop_s * fs), round(first_s * fs)
        self._shortest, self._remainder = round(shortest_s * fs), round(REMAINDER_S * fs)
        self.reset()

    def reset(self) -> None:
        """Begin a new segment."""
        self._end = self._first

    def due(self, segment: Segment) -> list[Stretch]:
        """Return the windows that have become complete."""
        written, settled = segment.ring.written, segment.settled("beats")
        out = []
        while self._end <= settled:
            out.append(self._stretch(self._end))
            self._end += self._hop
        done = self._end - self._hop
        if segment.ended and written >= self._shortest and written - done >= self._remainder:
            out.append(self._stretch(written))
        return out

    def _stretch(self, end: int) -> Stretch:
        return Stretch(max(0, end - self._length), end)
