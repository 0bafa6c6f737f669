"""The stage that finds P, QRS and T of each beat, and measures the intervals between them."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from ecgedge.beats.settings import LOOK_BACK_S
from ecgedge.events import Intervals, Waves
from ecgedge.stream.segment import DetectedBeat, Part, Segment
from ecgedge.waves.borders import BeatSpans, Bounds, Span
from ecgedge.waves.features import AFTER, BEFORE, FS, N
from ecgedge.waves.intervals import IntervalMeter, Measured
from ecgedge.waves.model import WaveModel


class WaveStage:
    """Looks at each beat once the signal behind it has come; measures each minute.

    Parameters
    ----------
    model : WaveModel
    by_class : bool
        Whether stages before this one name beats and assess stretches, see :class:`IntervalMeter`. The
        waves of a beat do not wait for either.
    """

    name = "waves"
    fs = FS
    latency_s = AFTER / FS
    # A beat of search-back may be as old as that goes back, and its window begins before it.
    window_s = LOOK_BACK_S + N / FS
    writes: tuple[Part, ...] = ()

    def __init__(self, model: WaveModel, *, by_class: bool = False) -> None:
        self.reads: tuple[Part, ...] = ("beats", "classes", "verdicts") if by_class else ("beats",)
        self._model, self._meter = model, IntervalMeter(by_class=by_class)
        self.reset()

    def start(self, segment: Segment) -> None:
        """Begin a new segment."""
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._meter.start()
        self._waiting: deque[DetectedBeat] = deque()  # for the signal behind them
        self._taken = 0  # beats of the segment that came up to the last of them
        self._last: float | None = None  # position of the beat that was looked at last

    def advance(self, segment: Segment) -> list[Waves | Intervals]:
        """Look at the beats whose windows are complete, and at the minutes that are."""
        self._waiting.extend(segment.beats_after(self._taken))
        self._taken = segment.n_beats
        until = segment.ring.written if segment.ended else segment.settled("beats") - AFTER
        events: list[Waves | Intervals] = []
        while self._waiting and self._waiting[0].position <= until:
            beat = self._waiting.popleft()
            events.append(self._look(segment, beat))
            self._last = beat.position
        return [*events, *self._meter.advance(segment, until)]

    def _look(self, segment: Segment, beat: DetectedBeat) -> Waves:
        ring, first = segment.ring, round(beat.position) - BEFORE
        window = ring.extended(first, first + N)
        following = self._waiting[0].position if self._waiting else first + N
        at = Bounds(
            peak=BEFORE,
            start=max(0, ring.oldest - first),
            end=min(N, ring.written - first),
            before=0 if self._last is None else self._last - first,
            after=following - first,
        )
        found = self._model.spans(window, at)
        waves = _event(segment, beat, found, first)
        self._meter.add(Measured(beat, waves.pr_ms, waves.qrs_ms, waves.qt_ms))
        return waves


def _event(segment: Segment, beat: DetectedBeat, found: BeatSpans, first: int) -> Waves:
    """The event of a beat whose window begins at position ``first``."""

    def sample(place: float | None) -> int | None:
        return None if place is None else _sample(segment, first + place)

    def ms(start: float | None, end: float | None) -> float | None:
        return None if start is None or end is None else 1e3 * segment.seconds_between(start, end)

    p, qrs, t = (span or Span(None, None) for span in (found.p, found.qrs, found.t))
    return Waves(
        sample=beat.sample,
        time_s=segment.seconds(beat.sample),
        p_onset=sample(p.onset),
        p_peak=sample(_peak(segment, found.p, first)),
        p_end=sample(p.end),
        qrs_onset=sample(qrs.onset),
        qrs_end=sample(qrs.end),
        t_onset=sample(t.onset),
        t_peak=sample(_peak(segment, found.t, first)),
        t_end=sample(t.end),
        pr_ms=ms(p.onset, qrs.onset),
        qrs_ms=ms(qrs.onset, qrs.end),
        qt_ms=ms(qrs.onset, t.end),
    )


def _peak(segment: Segment, span: Span | None, first: int) -> float | None:
    """Place where a wave is farthest from the line between its borders, or between those of the signal."""
    if span is None:
        return None
    ring = segment.ring
    low = max(first, ring.oldest) if span.onset is None else first + math.ceil(span.onset)
    high = min(first + N, ring.written) if span.end is None else first + math.floor(span.end) + 1
    x = ring.view(low, high)
    line = np.linspace(float(x[0]), float(x[-1]), len(x))
    return low - first + int(np.argmax(np.abs(x - line)))


def _sample(segment: Segment, position: float) -> int:
    """Index in the caller's rate, of a sample that there is."""
    at = segment.sample(position)
    # The filters give whole samples at their own rate: the last one may lie behind the last of the caller's.
    return at if at != segment.end_sample else at - 1
