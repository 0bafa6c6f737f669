"""From a stream of blocks and events to :class:`Findings`."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterable
from datetime import datetime

import numpy as np

from ecgedge.details import (
    CountedBeat,
    Detail,
    EctopicPattern,
    EctopicRow,
    Episode,
    LongInterval,
    Minute,
    Named,
)
from ecgedge.events import Battery as Charge
from ecgedge.events import Beat, FrameLost, Gap, Hrv, Intervals, LinkState, Mark, Note, Quality
from ecgedge.report.drawing.charts import Span
from ecgedge.report.findings.ectopics import EctopicCollector
from ecgedge.report.findings.hours import Hours
from ecgedge.report.findings.values import Battery, Beats, Findings, Link
from ecgedge.report.findings.variability import HrvCollector
from ecgedge.sinks.sink import Item
from ecgedge.summary import Summarizer
from ecgedge_bridge.values import SampleBlock

__all__ = ["Collector"]

# Of what a page lists one by one, so many are kept; the others are counted.
_MOST_PAUSES, _MOST_MARKS, _MOST_NOTES, _MOST_DEVICES = 100, 100, 50, 5


class Collector:
    """Takes the items of a recording in their order; :meth:`findings` says what they come to.

    Memory grows by some 20 bytes a beat and some hundred a minute, not with the signal.

    Parameters
    ----------
    start : datetime, optional
        Time of the first sample, as its clock showed it.

    Examples
    --------
    >>> collector = Collector()
    >>> collector.take([Beat(80 * i, 0.8 * i, 800.0, "V" if i == 5 else "N") for i in range(12)])
    >>> collector.take([Quality(0, 0.0, 1000, 10.0, accepted=True, score=0.99)])
    >>> found = collector.findings()
    >>> found.summary.beats, found.ventricular.single.start_s
    (12, 4.0)
    """

    def __init__(self, start: datetime | None = None) -> None:
        self._start = start
        self._summarizer = Summarizer()
        self._hours = Hours(start)
        self._ectopics = {symbol: EctopicCollector() for symbol in "VS"}
        self._hrv = HrvCollector()
        self._fs = self._end_s = self._signal_s = 0.0
        self._devices: dict[str, None] = {}
        self._minutes: list[Minute] = []
        self._slowest: Minute | None = None
        self._fastest: Minute | None = None
        self._rhythms, self._refused, self._gaps = _Spans(), _Spans(), _Spans()
        self._off_rate_s = 0.0
        self._gap_count = 0
        self._episodes: list[Episode] = []
        self._pauses: list[tuple[float, float, LongInterval]] = []
        self._longest: LongInterval | None = None
        self._intervals: list[Intervals] = []
        self._marks: list[Mark] = []
        self._mark_count = 0
        self._notes: dict[tuple[str, str], tuple[Note, int]] = {}
        self._charge: tuple[int, int] | None = None
        self._connections_lost = self._frames_lost = 0
        self._beat_s, self._symbols = array("d"), bytearray()

    def take(self, items: Iterable[Item]) -> None:
        """Take what came."""
        for item in items:
            if isinstance(item, SampleBlock):
                self._block(item)
                continue
            self._event(item)
            self._detail(self._summarizer.take([item]))  # type: ignore[list-item]

    def findings(self) -> Findings:
        """Say what came so far; to be asked once, at the end."""
        summary = self._summarizer.summary()
        self._detail(self._summarizer.rest())
        return Findings(
            summary=summary,
            start=self._start,
            seconds=max(self._end_s, summary.end_time_s),
            signal_s=self._signal_s,
            fs=self._fs,
            devices=tuple(self._devices),
            minutes=tuple(self._minutes),
            slowest=self._slowest,
            fastest=self._fastest,
            hours=self._hours.hours(),
            rhythms=self._rhythms.spans(),
            off_rate_s=self._off_rate_s,
            refused=self._refused.spans(),
            reasons=self._hours.reasons(),
            gaps=self._gaps.spans(),
            gap_count=self._gap_count,
            episodes=tuple(self._episodes),
            ventricular=self._ectopics["V"].ectopics(),
            supraventricular=self._ectopics["S"].ectopics(),
            pauses=tuple(sorted((pause for *_, pause in self._pauses), key=lambda one: one.start_s)),
            longest=self._longest,
            hrv=self._hrv.findings(),
            intervals=tuple(self._intervals),
            marks=tuple(self._marks),
            mark_count=self._mark_count,
            notes=tuple(self._notes.values()),
            battery=Battery(*self._charge) if self._charge else None,
            link=Link(self._connections_lost, self._frames_lost),
            beats=Beats(np.frombuffer(self._beat_s.tobytes(), np.float64), bytes(self._symbols)),
        )

    def _block(self, block: SampleBlock) -> None:
        self._fs = self._fs or block.fs
        self._end_s = max(self._end_s, block.end_sample / block.fs)
        self._signal_s += float(np.count_nonzero(np.isfinite(block.samples))) / block.fs
        if block.device and len(self._devices) < _MOST_DEVICES:
            self._devices[block.device] = None

    def _event(self, item: Item) -> None:
        match item:
            case Beat():
                self._beat_s.append(item.time_s)
                self._symbols += (item.symbol or "?").encode("ascii", "replace")[:1]
            case Quality():
                self._hours.assess(item)
                if not item.accepted:
                    self._refused.add(item.time_s, item.end_time_s, "unreadable")
            case Gap():
                self._gap_count += 1
                self._hours.miss(item.time_s, item.end_time_s)
                self._gaps.add(item.time_s, item.end_time_s, "gap")
                self._end_s = max(self._end_s, item.end_time_s)
            case Hrv():
                self._hrv.window(item)
            case Intervals():
                self._intervals.append(item)
            case Mark():
                self._mark_count += 1
                self._marks += [item] * (len(self._marks) < _MOST_MARKS)
            case Note():
                self._note(item)
            case Charge():
                self._charge = (self._charge or (item.percent,))[0], item.percent
            case LinkState(state="backing_off"):
                self._connections_lost += 1
            case FrameLost():
                self._frames_lost += 1
            case _:
                pass

    def _note(self, note: Note) -> None:
        key = note.code, note.detail
        first, count = self._notes.get(key, (note, 0))
        if count or len(self._notes) < _MOST_NOTES:
            self._notes[key] = first, count + 1

    def _detail(self, details: Iterable[Detail]) -> None:
        for detail in details:
            match detail:
                case CountedBeat():
                    self._hours.beat(detail.beat.time_s)
                    self._hrv.beat(detail)
                case LongInterval():
                    self._interval(detail)
                case Minute():
                    self._minute(detail)
                case Named():
                    self._name(detail)
                case Episode():
                    self._episodes.append(detail)
                case EctopicRow() | EctopicPattern():
                    self._ectopics[detail.symbol].take(detail)
                    self._hours.ectopic(detail)

    def _interval(self, found: LongInterval) -> None:
        if self._longest is None or found.seconds > self._longest.seconds:
            self._longest = found
        if found.pause:
            self._hours.pause(found.start_s)
            heapq.heappush(self._pauses, (found.seconds, -found.start_s, found))
            if len(self._pauses) > _MOST_PAUSES:
                heapq.heappop(self._pauses)

    def _minute(self, found: Minute) -> None:
        self._minutes.append(found)
        self._hours.minute(found)
        if found.counts and (self._slowest is None or found.bpm < self._slowest.bpm):
            self._slowest = found
        if found.counts and (self._fastest is None or found.bpm > self._fastest.bpm):
            self._fastest = found

    def _name(self, found: Named) -> None:
        off_rate = found.event.sinus is True and found.event.label == "O"
        self._off_rate_s += (found.end_s - found.start_s) * off_rate
        self._rhythms.add(found.start_s, found.end_s, "N" if off_rate else found.event.label)
        if found.event.af:
            self._hours.af(found.start_s, found.end_s)


class _Spans:
    """Stretches in their order, neighbours of one kind joined."""

    def __init__(self) -> None:
        self._spans: list[Span] = []

    def add(self, start_s: float, end_s: float, kind: str) -> None:
        last = self._spans[-1] if self._spans else None
        if last and last.kind == kind and start_s <= last.end_s + 1e-6:
            self._spans[-1] = last._replace(end_s=max(last.end_s, end_s))
        elif end_s > start_s:
            self._spans.append(Span(start_s, end_s, kind))

    def spans(self) -> tuple[Span, ...]:
        return tuple(self._spans)
