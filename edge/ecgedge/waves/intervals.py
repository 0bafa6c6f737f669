"""PR, QRS and QT of a minute: medians over its beats, with how many of them agree."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from ecgedge.events import Intervals
from ecgedge.stream.segment import DetectedBeat, Segment

MINUTE_S = 60.0
SHORTEST_S = 10.0  # what is left at the end of a segment gets no event of its own if it is shorter
# A beat agrees if it is as near to the median as the CSE working party lets a reading be (Eur Heart J 6,
# 1985; two standard deviations: P onset 10.2, QRS onset 6.5, QRS end 11.6, T end 30.6 ms). Both borders
# together come to 12, 13 and 31 ms; PR gets more, since it follows breathing.
AGREE_MS = {"pr": 20.0, "qrs": 15.0, "qt": 30.0}
BAZETT, FRIDERICIA = 1 / 2, 1 / 3
LEAST_BEATS = 5  # fewer are no minute; and in noise single beats agree by chance


@dataclass(frozen=True, slots=True)
class Measured:
    """One beat and its intervals, None for those that were not seen."""

    beat: DetectedBeat
    pr_ms: float | None
    qrs_ms: float | None
    qt_ms: float | None


class _Stretch(NamedTuple):
    """Signal up to ``end``, and whether the shape of its beats can be trusted."""

    end: int
    trusted: bool


class Agreed(NamedTuple):
    """A median, None where too few values are near it, and how many are."""

    value: float | None
    beats: int


def agreed(values: Iterable[float | None], within: float) -> Agreed:
    """Median of the values of beats, None where less than half of the beats agree with it.

    Examples
    --------
    >>> agreed([160.0, 158.0, None, 162.0, 161.0, 300.0, 159.0], within=20.0)
    Agreed(value=160.5, beats=5)
    >>> agreed([100.0, 160.0, 220.0, 280.0, 340.0], within=20.0)
    Agreed(value=None, beats=1)
    """
    of_all = list(values)
    seen = [value for value in of_all if value is not None]
    if not seen:
        return Agreed(None, 0)
    middle = median(seen)
    near = sum(abs(value - middle) <= within for value in seen)
    return Agreed(middle if near >= LEAST_BEATS and 2 * near >= len(of_all) else None, near)


def corrected(qt_ms: float | None, rr_ms: float | None, power: float) -> float | None:
    """QT over a power of the RR interval in seconds, None where one of them is not known.

    Examples
    --------
    >>> corrected(400.0, 640.0, BAZETT)
    500.0
    """
    return None if qt_ms is None or rr_ms is None else qt_ms / (rr_ms / 1e3) ** power


class IntervalMeter:
    """Collects measured beats, and makes an event of each minute of a segment.

    Parameters
    ----------
    by_class : bool
        Whether stages before name beats and assess stretches: then only normal beats count, in stretches
        whose shape the gate trusts; otherwise all of them.
    """

    def __init__(self, *, by_class: bool) -> None:
        self._by_class = by_class
        self.start()

    def start(self) -> None:
        """Begin a new segment."""
        self._waiting: deque[Measured] = deque()  # for the gate's verdict
        self._minute: list[Measured] = []
        self._begin = self._done = 0  # where the minute began; position up to which beats were taken

    def add(self, beat: Measured) -> None:
        """Take a beat behind those that were taken."""
        self._waiting.append(beat)

    def advance(self, segment: Segment, measured: int) -> list[Intervals]:
        """Return the minutes that have become complete; all beats before ``measured`` have been added."""
        events: list[Intervals] = []
        for stretch in self._assessed(segment, measured):
            while self._waiting and self._waiting[0].beat.position < stretch.end:
                one = self._waiting.popleft()
                events += self._close(segment, one.beat.position)
                if stretch.trusted and (one.beat.role == "normal" or not self._by_class):
                    self._minute.append(one)
            self._done = stretch.end
            events += self._close(segment, stretch.end)
        if segment.ended and segment.ring.written - self._begin >= SHORTEST_S * segment.fs:
            events += self._event(segment, segment.ring.written)
        return events

    def _assessed(self, segment: Segment, measured: int) -> Iterator[_Stretch]:
        """Stretches since the last call whose beats all are measured and, by class, named and assessed."""
        if not self._by_class:
            yield _Stretch(measured, trusted=True)
            return
        until = min(measured, segment.settled("classes"))
        for verdict in [v for v in segment.verdicts if self._done < v.end <= until]:
            yield _Stretch(verdict.end, trusted=verdict.accepted and verdict.morphology)

    def _close(self, segment: Segment, position: float) -> list[Intervals]:
        """Make the events of all minutes that end up to a position."""
        events: list[Intervals] = []
        minute = round(MINUTE_S * segment.fs)
        while position >= self._begin + minute:
            events += self._event(segment, self._begin + minute)
            self._begin += minute
        return events

    def _event(self, segment: Segment, end: int) -> list[Intervals]:
        beats, self._minute = self._minute, []
        if not beats:
            return []
        pr, qrs, qt = (
            agreed((getattr(one, f"{name}_ms") for one in beats), ms) for name, ms in AGREE_MS.items()
        )
        rr = [one.beat.rr_ms for one in beats if one.beat.rr_ms is not None]
        rr_ms = median(rr) if rr else None
        a, b = segment.sample(self._begin), segment.sample(end)
        return [
            Intervals(
                sample=a,
                time_s=segment.seconds(a),
                end_sample=b,
                end_time_s=segment.seconds(b),
                beats=len(beats),
                pr_ms=pr.value,
                pr_beats=pr.beats,
                qrs_ms=qrs.value,
                qrs_beats=qrs.beats,
                qt_ms=qt.value,
                qt_beats=qt.beats,
                rr_ms=rr_ms,
                qtc_bazett_ms=corrected(qt.value, rr_ms, BAZETT),
                qtc_fridericia_ms=corrected(qt.value, rr_ms, FRIDERICIA),
            )
        ]
