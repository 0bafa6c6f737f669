"""One unbroken stretch of signal and everything known about it so far."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from ecgedge.beats.detector import Detection
from ecgedge.stream.ring import Ring

KEEP_S = 120.0  # beats and verdicts older than this serve no window


@dataclass(frozen=True, slots=True)
class Judged:
    """A stretch (positions in the segment) that the gate has judged."""

    start: int
    end: int
    accepted: bool


@dataclass(slots=True)
class Segment:
    """Filtered signal since a start or a gap, at the models' rate, with its beats and the gate's verdicts.

    Positions count filtered samples since the segment's start; :meth:`sample` translates to the caller's own
    index.
    """

    first_sample: int
    fs_in: float
    fs: float
    ring: Ring
    beats: deque[Detection] = field(default_factory=deque)
    judged: deque[Judged] = field(default_factory=deque)
    ended: bool = False

    def sample(self, position: float) -> int:
        """Index in the caller's rate of a position in this segment."""
        return self.first_sample + round(position * self.fs_in / self.fs)

    def seconds(self, sample: int) -> float:
        """Seconds since the start of the stream."""
        return sample / self.fs_in

    def beats_between(self, start: int, end: int) -> list[Detection]:
        """Beats from ``start`` to before ``end``."""
        return [b for b in self.beats if start <= b.at < end]

    def judged_between(self, start: int, end: int) -> list[Judged]:
        """Verdicts on stretches of which at least half lies between ``start`` and ``end``."""
        return [j for j in self.judged if start <= (j.start + j.end) / 2 < end]

    def forget(self) -> None:
        """Drop what is too old for any window."""
        limit = self.ring.written - KEEP_S * self.fs
        while self.beats and self.beats[0].at < limit:
            self.beats.popleft()
        while self.judged and self.judged[0].end < limit:
            self.judged.popleft()
