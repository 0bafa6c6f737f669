"""The stages behind the filters: beats, quality, rhythm. Each looks at the segment and says what is new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ecgedge.beats import BeatDetector, Detection
from ecgedge.decision import Hysteresis
from ecgedge.events import Beat, Event, Quality, Rhythm
from ecgedge.gate import Gate
from ecgedge.gate_features import Beats
from ecgedge.manifest import Manifest
from ecgedge.ring import Reader
from ecgedge.segment import Judged, Segment

SETTLE_S = 1.0  # the beats of a window are complete this long after its end
REST_S = 2.0  # a rest shorter than this at the end of a segment makes no window of its own
SHORTEST_S = 5.0  # no rhythm is named from less


class Stage(Protocol):
    """Called once a tick, in order; ``segment.ended`` is True in the last call, which flushes."""

    name: str

    def start(self, segment: Segment) -> None: ...
    def advance(self, segment: Segment) -> Sequence[Event]: ...


class BeatStage:
    """Finds beats and puts them on the segment."""

    name = "beats"

    def __init__(self, fs: float) -> None:
        self._detector = BeatDetector(fs)

    def start(self, segment: Segment) -> None:
        """Begin a new segment."""
        self._detector.reset()
        self._reader: Reader = segment.ring.reader()

    def advance(self, segment: Segment) -> list[Beat]:
        """Read what is unread, return the beats found."""
        x, _ = self._reader.take(self._reader.unread)
        found = self._detector.feed(x) if x is not None and len(x) else []
        if segment.ended:
            found += self._detector.finish()
        return [self._beat(segment, beat) for beat in found]

    def _beat(self, segment: Segment, beat: Detection) -> Beat:
        rr = 1e3 * (beat.at - segment.beats[-1].at) / segment.fs if segment.beats else None
        segment.beats.append(beat)
        sample = segment.sample(beat.at)
        return Beat(sample, segment.seconds(sample), rr)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Part of a segment, as positions."""

    start: int
    end: int


class _Windows:
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


class QualityStage:
    """Judges successive stretches with the gate."""

    name = "gate"

    def __init__(self, gate: Gate, fs: float, window_s: float) -> None:
        self._gate = gate
        self._windows = _Windows(fs, window_s, window_s, window_s, REST_S)
        self._n = round(window_s * fs)

    def start(self, segment: Segment) -> None:
        """Begin a new segment."""
        self._windows.reset()

    def advance(self, segment: Segment) -> list[Event]:
        """Judge the stretches that have become complete."""
        return [self._judge(segment, w) for w in self._windows.due(segment)]

    def _judge(self, segment: Segment, w: Stretch) -> Quality:
        """Judge a window; a short rest at the end is judged with what came before it, and reported alone."""
        start = w.end - (w.end % self._n or self._n)
        inside = segment.beats_between(w.start, w.end)
        beats = Beats(np.array([b.at - w.start for b in inside]), np.array([b.confidence for b in inside]))
        verdict = self._gate.judge(segment.ring.view(w.start, w.end), beats)
        segment.judged.append(Judged(start, w.end, verdict.accepted))
        a, b = segment.sample(start), segment.sample(w.end)
        return Quality(
            a,
            segment.seconds(a),
            b,
            segment.seconds(b),
            accepted=verdict.accepted,
            score=verdict.score,
            reasons=verdict.reasons,
            morphology=verdict.morphology,
        )


class Namer(Protocol):
    """A model that names windows."""

    @property
    def manifest(self) -> Manifest: ...

    def probabilities(self, signal: npt.NDArray[np.float32]) -> dict[str, float]: ...


@dataclass(slots=True)
class Counts:
    """What happened to the windows: ``windows`` = ``rejected`` by the gate + ``model_runs``."""

    windows: int = 0
    rejected: int = 0
    model_runs: int = 0


class RhythmStage:
    """Runs the model on windows that the gate lets through."""

    name = "model"

    def __init__(self, model: Namer, hysteresis: Hysteresis, counts: Counts) -> None:
        self._model, self._hysteresis, self.counts = model, hysteresis, counts
        m = model.manifest
        self._least = round(m.min_window_s * m.fs)
        self._windows = _Windows(m.fs, m.window_s, m.hop_s, m.min_window_s, SHORTEST_S)

    def start(self, segment: Segment) -> None:
        """Begin a new segment; the label held stays, since the heart did not stop."""
        self._windows.reset()

    def advance(self, segment: Segment) -> list[Event]:
        """Name the windows that have become complete, each from what the gate left of it."""
        events: list[Event] = []
        for w in self._windows.due(segment):
            self.counts.windows += 1
            clean = _since_noise(w, segment.judged_between(w.start, w.end))
            if clean.end - clean.start < min(self._least, w.end - w.start):
                self.counts.rejected += 1
            else:
                self.counts.model_runs += 1
                events.append(self._name(segment, clean))
        return events

    def _name(self, segment: Segment, w: Stretch) -> Rhythm:
        p = self._model.probabilities(segment.ring.view(w.start, w.end))
        label, conclusive, changed = self._hysteresis.update(p)
        a, b = segment.sample(w.start), segment.sample(w.end)
        best = max(p, key=p.__getitem__)
        return Rhythm(a, segment.seconds(a), b, segment.seconds(b), label, best, p, conclusive, changed)


def _since_noise(w: Stretch, judged: list[Judged]) -> Stretch:
    """What comes after the last refused stretch: no noise reaches the model, not even as part of a window."""
    return Stretch(max([w.start, *(j.end for j in judged if not j.accepted)]), w.end)
