"""The stage that turns beats in usable signal into :class:`~ecgedge.events.Hrv` events."""

from __future__ import annotations

import math
from dataclasses import fields

from ecgedge.events import Event, Hrv, HrvMeasures
from ecgedge.hrv.cleaning import LONGEST_US, WARM_UP
from ecgedge.hrv.intervals import intervals
from ecgedge.stream.segment import Part, Segment, Verdict

WINDOW_S = 300.0  # the Task Force's short-term recording
HOP_S = 60.0
LONGEST_S = 600.0  # memory and time of an event grow with the square
SHORTEST_S = 10.0  # what is left at the end of a segment gets no event of its own if it is shorter
_NAMES = tuple(field.name for field in fields(HrvMeasures))


class HrvStage:
    """Measures heart rate variability every minute over the last five; runs after beats, classes and gate.

    Beats count once the gate has accepted their stretch and, with ``by_class``, their class is known: only
    intervals between two normal beats are NN then. Without classes their timing has to tell. Refused
    stretches and gaps break the run, so that no interval touches them. The window spans gaps, since the
    heart went on: it is measured in the time of the stream, from the stream's first sample on. A window
    without a usable interval gives no event.

    Parameters
    ----------
    over_s, hop_s : float
        Length of the window (10 to 600) and time between events (at least 10), in seconds.
    by_class : bool
        Whether a stage before this one names beats, see ``by_class.py``.

    Raises
    ------
    ValueError
        Lengths outside of that.
    """

    name = "hrv"
    fs = None
    window_s = 0.0  # it keeps its intervals itself: its own window spans segments
    writes: tuple[Part, ...] = ()

    def __init__(self, over_s: float = WINDOW_S, hop_s: float = HOP_S, *, by_class: bool = False) -> None:
        if not (SHORTEST_S <= over_s <= LONGEST_S and hop_s >= SHORTEST_S):
            raise ValueError(
                f"HRV over {over_s:g} s every {hop_s:g} s: "
                f"give a window of {SHORTEST_S:g} to {LONGEST_S:g} s, "
                f"and at least {SHORTEST_S:g} s between events"
            )
        self._over_s, self._hop_s, self._by_class = over_s, hop_s, by_class
        self.reads: tuple[Part, ...] = ("beats", "classes", "verdicts") if by_class else ("beats", "verdicts")
        # An event waits for the intervals in its window, the first of which are cleaned together.
        self.latency_s = hop_s + WARM_UP * LONGEST_US * 1e-6
        self.reset()

    def reset(self) -> None:
        """Forget the stream."""
        self._intervals = intervals(self._over_s, by_class=self._by_class)
        self._origin_s: float | None = None  # the stream's first sample; all seconds here count from it
        self._last_event_s = 0.0  # end of the last event

    def start(self, segment: Segment) -> None:
        """Begin a new segment; the window and what was learnt of the heart stay."""
        begin_s = segment.seconds(segment.first_sample)
        self._origin_s = begin_s if self._origin_s is None else self._origin_s
        self._begin_s = begin_s - self._origin_s
        self._done = 0  # position up to which the segment's beats were taken
        hops = int(self._begin_s // self._hop_s)
        self._due_s = (hops + 1) * self._hop_s

    def advance(self, segment: Segment) -> list[Event]:
        """Take the beats of stretches that the gate has assessed since."""
        events: list[Event] = []
        named = segment.settled("classes") if self._by_class else math.inf
        if segment.verdicts and segment.verdicts[-1].end > self._done:
            for verdict in [v for v in segment.verdicts if self._done < v.end <= named]:
                events += self._take(segment, verdict)
        if segment.ended:
            events += self._end(segment)
        return events

    def _take(self, segment: Segment, verdict: Verdict) -> list[Event]:
        start, self._done = max(verdict.start, self._done), verdict.end
        end_s = self._seconds(segment, verdict.end)
        if verdict.accepted:
            for beat in segment.beats_between(start, verdict.end):
                self._intervals.push(self._seconds(segment, beat.position), beat.role == "normal")
        if not verdict.accepted or self._intervals.silent_s(end_s) * 1e6 > LONGEST_US:
            self._intervals.end_run()
        events = self._keep(segment)
        waiting_s = self._intervals.waiting_s
        return events + self._due(segment, end_s if waiting_s is None else min(end_s, waiting_s))

    def _seconds(self, segment: Segment, position: float) -> float:
        """Seconds since the stream's first sample, at the rate that the device really has."""
        return self._begin_s + segment.seconds_between(0, position)

    def _end(self, segment: Segment) -> list[Event]:
        """Flush: what is left gets an event if it is long enough."""
        end_s = self._seconds(segment, self._done)
        self._intervals.end_run()
        events = self._keep(segment) + self._due(segment, end_s)
        if self._intervals.fresh and end_s - self._last_event_s >= SHORTEST_S:
            events += self._measured(segment, end_s)
        return events

    def _keep(self, segment: Segment) -> list[Event]:
        """Put intervals into the window; what is due before one of them is measured before."""
        events: list[Event] = []
        while (next_s := self._intervals.keep(self._due_s)) is not None:
            events += self._due(segment, next_s)
        return events

    def _due(self, segment: Segment, until_s: float) -> list[Event]:
        """Measure every window that ends up to ``until_s``, all of whose intervals are in."""
        events: list[Event] = []
        while self._due_s <= until_s:
            events += self._measured(segment, self._due_s)
            self._due_s += self._hop_s
        return events

    def _measured(self, segment: Segment, end_s: float) -> list[Event]:
        start_s = max(0.0, end_s - self._over_s)
        found = self._intervals.measured(start_s, end_s)
        if found is None:
            return []
        self._last_event_s = end_s
        a, b = self._sample(segment, start_s), self._sample(segment, end_s)
        values = {name: getattr(found, name) for name in _NAMES}
        return [
            Hrv(
                sample=a,
                time_s=segment.seconds(a),
                end_sample=b,
                end_time_s=segment.seconds(b),
                **values,
            )
        ]

    def _sample(self, segment: Segment, stream_s: float) -> int:
        assert self._origin_s is not None
        return segment.sample_at(self._origin_s + stream_s)
