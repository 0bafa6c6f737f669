"""When a window of the signal is due."""

from __future__ import annotations

from dataclasses import dataclass

from ecgedge.stream.segment import Segment

SETTLE_S = 1.0  # the beats of a window are complete this long after its end
REST_S = 2.0  # a rest shorter than this at the end of a segment makes no window of its own


@dataclass(frozen=True, slots=True)
class Stretch:
    """Part of a segment, as positions."""

    start: int
    end: int


class Windows:
    """When a window is due: every hop, once its beats have settled, and for the rest when the segment
    ends."""

    def __init__(self, fs: float, length_s: float, hop_s: float, first_s: float, shortest_s: float) -> None:
        self._length, self._hop, self._first = round(length_s * fs), round(hop_s * fs), round(first_s * fs)
        self._shortest, self._rest, self._settle = (
            round(shortest_s * fs),
            round(REST_S * fs),
            round(SETTLE_S * fs),
        )
        self.reset()

    def reset(self) -> None:
        self._end = self._first

    def due(self, segment: Segment) -> list[Stretch]:
        """Return the windows that have become complete."""
        written = segment.ring.written
        out = []
        while self._end + (0 if segment.ended else self._settle) <= written:
            out.append(self._stretch(self._end))
            self._end += self._hop
        done = self._end - self._hop
        if segment.ended and written >= self._shortest and written - done >= self._rest:
            out.append(self._stretch(written))
        return out

    def _stretch(self, end: int) -> Stretch:
        return Stretch(max(0, end - self._length), end)
