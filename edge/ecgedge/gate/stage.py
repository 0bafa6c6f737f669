"""The stage that assesses stretches of signal with the noise gate."""

from __future__ import annotations

import numpy as np

from ecgedge.events import Event, Note, Quality
from ecgedge.gate.clipping import clipping
from ecgedge.gate.features import Beats
from ecgedge.gate.model import Gate, GateModel
from ecgedge.gate.units import doubtful_height
from ecgedge.stream.segment import Part, Segment, Verdict
from ecgedge.stream.windowing import REMAINDER_S, Stretch, Windows
from ecgedge_bridge.codes import NoteCode


class QualityStage:
    """Assesses successive stretches of ``window_s`` seconds with the gate ``model``."""

    name = "gate"
    reads: tuple[Part, ...] = ("raw", "beats")
    writes: tuple[Part, ...] = ("verdicts",)

    def __init__(self, model: GateModel, window_s: float | None = None) -> None:
        self.fs, self.window_s = model.fs, window_s or model.window_s
        self._gate = Gate(model)
        self._windows = Windows(self.fs, self.window_s, self.window_s, self.window_s, REMAINDER_S)
        self._n = round(self.window_s * self.fs)
        self._doubted = False
        self._before: float | None = None  # log odds of the stretch before

    @property
    def latency_s(self) -> float:
        """A sample waits for the end of its stretch."""
        return self.window_s

    def start(self, segment: Segment) -> None:
        """Begin a new segment."""
        self._windows.reset()
        self._before = None

    def reset(self) -> None:
        """Forget everything."""
        self._windows.reset()
        self._before = None
        self._doubted = False

    def advance(self, segment: Segment) -> list[Event]:
        """Assess the stretches that have become complete."""
        events: list[Event] = []
        for w in self._windows.due(segment):
            quality = self._assess(segment, w)
            events += [quality, *self._doubt(segment, w, quality)]
        return events

    def _doubt(self, segment: Segment, w: Stretch, quality: Quality) -> list[Event]:
        """Say once in a stream that the signal has not the size of an ECG in millivolts."""
        if self._doubted:
            return []
        height = doubtful_height(segment.ring.view(w.start, w.end), segment.fs, quality.accepted)
        if height is None:
            return []
        self._doubted = True
        words = f"the QRS is {height:.3g} high: these are no millivolts, give the unit"
        return [Note(quality.sample, quality.time_s, NoteCode.UNITS, words)]

    def _assess(self, segment: Segment, w: Stretch) -> Quality:
        """Assess a window; a short remainder at the end is seen with what came before it, reported alone."""
        # The gate was fitted on whole windows: two seconds alone would be another kind of input.
        start = w.end - (w.end % self._n or self._n)
        inside = segment.beats_between(w.start, w.end)
        beats = Beats(
            np.array([b.position - w.start for b in inside]), np.array([b.confidence for b in inside])
        )
        clipped = clipping(segment.raw_between(w.start, w.end), segment.fs_in).share
        found = self._gate.assess(segment.ring.view(w.start, w.end), beats, clipped, self._before)
        self._before = found.log_odds
        segment.verdicts.append(Verdict(start, w.end, found.accepted, found.morphology, found.score))
        a, b = segment.sample(start), segment.sample(w.end)
        return Quality(
            a,
            segment.seconds(a),
            b,
            segment.seconds(b),
            accepted=found.accepted,
            score=found.score,
            reasons=found.reasons,
            morphology=found.morphology,
        )
