"""One unbroken stretch of signal, and everything that the stages know about it so far.

This is all that a stage sees of the world. What one stage finds, it writes here, and the stages behind it
read it here; a beat, for example, is one object from its detection to its event.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal, NamedTuple

import numpy as np

from ecgedge.events import Beat
from ecgedge.stream.clock import SampleClock
from ecgedge.stream.ring import Ring, Signal

Part = Literal["raw", "beats", "classes", "verdicts"]
"""What is on a segment: samples before the filters, if a stage reads them; and what stages write: beats, the
class of each beat, and the noise gate's verdicts."""


@dataclass(slots=True)
class DetectedBeat:
    """A beat on its segment, from its detection on.

    ``position`` is its R peak in filtered samples since the segment's start (with a fraction), ``sample`` the
    same place in the caller's rate; ``confidence`` is the detector's, 0 to 1; ``rr_ms`` is None for the first
    beat of a segment. ``symbol`` (its class) and ``role`` (what that class means, such as ``normal``) stay
    None until a stage has named the beat.
    """

    position: float
    sample: int
    confidence: float
    rr_ms: float | None
    symbol: str | None = None
    role: str | None = None


class Verdict(NamedTuple):
    """What the noise gate found of a stretch (positions in the segment).

    ``accepted``: its rhythm can be told, with the probability ``score``; ``morphology``: the shape of its
    beats can be trusted too.
    """

    start: int
    end: int
    accepted: bool
    morphology: bool = False
    score: float = 0.0


@dataclass(slots=True)
class Counts:
    """Rhythm windows of a stream: ``windows`` = ``rejected`` by the gate + ``model_runs``."""

    windows: int = 0
    rejected: int = 0
    model_runs: int = 0


@dataclass(slots=True)
class Segment:
    """Filtered signal since a start or a gap, at the models' rate, with what was found in it.

    Positions count filtered samples since the segment's start; :meth:`sample` translates to the caller's own
    index. ``latency`` says how many samples behind the newest one each part is complete; a part that is not
    in it counts as complete at once. ``counts`` and ``clock`` are the whole stream's. ``end_sample`` is the
    caller's index behind the last sample, known once the segment has ended. ``raw`` holds the samples as they
    came, less the first one's value. ``fibrillation`` is the probability of atrial fibrillation in the last
    window that a rhythm stage named: of an earlier tick, for stages in front of it.
    """

    first_sample: int
    fs_in: float
    fs: float
    ring: Ring
    latency: Mapping[Part, int] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    beats: deque[DetectedBeat] = field(default_factory=deque)
    verdicts: deque[Verdict] = field(default_factory=deque)
    raw: Ring | None = None
    n_beats: int = 0  # all that were ever added: a stage keeps this number for its cursor
    fibrillation: float = 0.0
    ended: bool = False
    end_sample: int | None = None
    clock: SampleClock | None = None

    def settled(self, part: Part) -> int:
        """Position up to which a part is complete: all of it once the segment has ended."""
        # Nothing comes after the end that could still change what was found before it.
        return self.ring.written - (0 if self.ended else self.latency.get(part, 0))

    def add_beat(self, position: float, confidence: float) -> DetectedBeat:
        """Put a beat behind those that are there."""
        # Between positions, which have fractions: samples of the caller would round to 7.7 ms at 130 Hz.
        rr = 1e3 * self.seconds_between(self.beats[-1].position, position) if self.beats else None
        at = self.sample(position)
        # The filters give whole samples at their own rate, so that the last one may lie behind the last of
        # the caller's.
        beat = DetectedBeat(position, at if at != self.end_sample else at - 1, confidence, rr)
        self.beats.append(beat)
        self.n_beats += 1
        return beat

    def beats_after(self, n: int) -> list[DetectedBeat]:
        """Beats that came after the first ``n`` of the segment."""
        fresh = self.n_beats - n
        return list(islice(self.beats, len(self.beats) - fresh, None)) if fresh else []

    def beats_between(self, start: int, end: int) -> list[DetectedBeat]:
        """Beats from ``start`` to before ``end``."""
        return [b for b in self.beats if start <= b.position < end]

    def verdicts_between(self, start: int, end: int) -> list[Verdict]:
        """Verdicts on stretches whose middle lies between ``start`` and ``end``."""
        # Windows and verdicts need not share borders: where most of a verdict lies, it counts.
        return [v for v in self.verdicts if start <= (v.start + v.end) / 2 < end]

    def raw_between(self, start: int, end: int) -> Signal:
        """Samples as they came between two positions, less a constant; none where they are not kept."""
        if self.raw is None:
            return np.empty(0, np.float32)
        low, high = (self.sample(position) - self.first_sample for position in (start, end))
        return self.raw.view(max(low, self.raw.oldest), max(self.raw.oldest, min(high, self.raw.written)))

    def sample(self, position: float) -> int:
        """Index in the caller's rate of a position in this segment, at most that of its end."""
        at = self.first_sample + round(position * self.fs_in / self.fs)
        return at if self.end_sample is None else min(at, self.end_sample)

    def seconds(self, sample: int) -> float:
        """Seconds since the start of the stream, at the rate that the device really has."""
        return sample / self.fs_in if self.clock is None else self.clock.seconds(sample)

    def sample_at(self, seconds: float) -> int:
        """Index in the caller's rate at a time of the stream, at most that of the segment's end."""
        at = round(seconds * self.fs_in if self.clock is None else self.clock.sample(seconds))
        return at if self.end_sample is None else min(at, self.end_sample)

    def seconds_between(self, start: float, end: float) -> float:
        """Seconds from one position to a later one, at the rate that the device really has."""
        nominal = (end - start) / self.fs
        if self.clock is None:
            return nominal
        per_position = self.fs_in / self.fs
        a, b = self.first_sample + start * per_position, self.first_sample + end * per_position
        return nominal * self.clock.stretch(a, b)

    def event(self, beat: DetectedBeat) -> Beat:
        """Make the event of a beat; each beat gets one."""
        return Beat(beat.sample, self.seconds(beat.sample), beat.rr_ms, beat.symbol)

    def forget(self) -> None:
        """Drop what lies before the signal that is kept: no stage reads further back.

        The newest beat stays however old it is, since the next beat's interval begins at it.
        """
        # One bound for everything: what a stage reads beside the signal is no older than the signal.
        oldest = self.ring.oldest
        while len(self.beats) > 1 and self.beats[0].position < oldest:
            self.beats.popleft()
        while self.verdicts and self.verdicts[0].end < oldest:
            self.verdicts.popleft()
