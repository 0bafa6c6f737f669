"""Counts by the hour: by the clock where a recording has one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from ecgedge.details import EctopicDetail, EctopicPattern, Minute
from ecgedge.events import Quality
from ecgedge.report.findings.values import Hour, Refused
from ecgedge.sinks.words import reasons

__all__ = ["HOUR_S", "Hours"]

HOUR_S = 3600.0


@dataclass(slots=True)
class _Count:
    beats: int = 0
    bpm_sum: float = 0.0
    minutes: int = 0
    slowest_bpm: float | None = None
    fastest_bpm: float | None = None
    pauses: int = 0
    af_s: float = 0.0
    assessed_s: float = 0.0
    usable_s: float = 0.0
    missing_s: float = 0.0
    ectopic: Counter[str] = field(default_factory=Counter)
    reasons: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))


class Hours:
    """Counts what falls into each hour; hours in which nothing happened are there too.

    Parameters
    ----------
    start : datetime, optional
        Time of the first sample: the first hour ends at the next full one.

    Examples
    --------
    >>> hours = Hours(datetime(2026, 11, 29, 22, 45))
    >>> hours.beat(1000.0)
    >>> [(hour.start_s, hour.beats) for hour in hours.hours()]
    [(-2700.0, 0), (900.0, 1)]
    """

    def __init__(self, start: datetime | None = None) -> None:
        self._offset_s = (
            0.0 if start is None else start.minute * 60.0 + start.second + start.microsecond / 1e6
        )
        self._counts: defaultdict[int, _Count] = defaultdict(_Count)

    def beat(self, time_s: float) -> None:
        """Count a beat in accepted signal."""
        self._at(time_s).beats += 1

    def minute(self, found: Minute) -> None:
        """Count a minute's heart rate."""
        hour = self._at(found.start_s)
        hour.bpm_sum, hour.minutes = hour.bpm_sum + found.bpm, hour.minutes + 1
        if found.counts:
            hour.slowest_bpm = min(hour.slowest_bpm or found.bpm, found.bpm)
            hour.fastest_bpm = max(hour.fastest_bpm or found.bpm, found.bpm)

    def ectopic(self, found: EctopicDetail) -> None:
        """Count the beats of a row, in the hour in which it began; a pattern is made of rows."""
        if not isinstance(found, EctopicPattern):
            self._at(found.start_s).ectopic[found.symbol] += found.beats

    def pause(self, time_s: float) -> None:
        """Count a pause."""
        self._at(time_s).pauses += 1

    def af(self, start_s: float, end_s: float) -> None:
        """Count seconds of atrial fibrillation."""
        for hour, seconds in self._parts(start_s, end_s):
            hour.af_s += seconds

    def miss(self, start_s: float, end_s: float) -> None:
        """Count seconds that are missing."""
        for hour, seconds in self._parts(start_s, end_s):
            hour.missing_s += seconds

    def assess(self, event: Quality) -> None:
        """Count what the gate said of a stretch."""
        for hour, seconds in self._parts(event.time_s, event.end_time_s):
            hour.assessed_s += seconds
            hour.usable_s += seconds * event.accepted
            if not event.accepted:
                for reason in event.reasons or (reasons(event),):
                    hour.reasons[reason.replace("_", " ")] += seconds

    def hours(self) -> tuple[Hour, ...]:
        """Return the hours so far."""
        last = max(self._counts, default=-1)
        return tuple(self._hour(at) for at in range(last + 1))

    def reasons(self) -> tuple[Refused, ...]:
        """Return why signal was refused, the most of it first."""
        total: Counter[str] = Counter()
        worst: dict[str, tuple[float, int]] = {}
        for at, hour in sorted(self._counts.items()):
            for reason, seconds in hour.reasons.items():
                total[reason] += seconds  # type: ignore[assignment]
                worst[reason] = max(worst.get(reason, (0.0, 0)), (seconds, -at))
        ordered = sorted(total.items(), key=lambda one: (-one[1], one[0]))
        return tuple(Refused(reason, s, self._start_s(-worst[reason][1])) for reason, s in ordered)

    def _hour(self, at: int) -> Hour:
        count = self._counts.get(at, _Count())
        return Hour(
            start_s=self._start_s(at),
            beats=count.beats,
            bpm=count.bpm_sum / count.minutes if count.minutes else None,
            slowest_bpm=count.slowest_bpm,
            fastest_bpm=count.fastest_bpm,
            ventricular=count.ectopic["V"],
            supraventricular=count.ectopic["S"],
            pauses=count.pauses,
            af_s=count.af_s,
            assessed_s=count.assessed_s,
            usable_s=count.usable_s,
            missing_s=count.missing_s,
        )

    def _start_s(self, at: int) -> float:
        return at * HOUR_S - self._offset_s

    def _index(self, time_s: float) -> int:
        return int((time_s + self._offset_s) // HOUR_S)

    def _at(self, time_s: float) -> _Count:
        return self._counts[self._index(time_s)]

    def _parts(self, start_s: float, end_s: float) -> Iterator[tuple[_Count, float]]:
        """Yield the hours that a stretch touches, with its seconds in each."""
        for at in range(self._index(start_s), self._index(max(start_s, end_s - 1e-9)) + 1):
            begin = self._start_s(at)
            seconds = min(end_s, begin + HOUR_S) - max(start_s, begin)
            if seconds > 0:
                yield self._counts[at], seconds
