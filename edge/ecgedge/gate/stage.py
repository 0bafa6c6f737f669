"""The stage that judges stretches of signal."""

from __future__ import annotations

import numpy as np

from ecgedge.events import Event, Quality
from ecgedge.gate.features import Beats
from ecgedge.gate.model import Gate
from ecgedge.stream.segment import Judged, Segment
from ecgedge.stream.windowing import REST_S, Stretch, Windows


class QualityStage:
    """Judges successive stretches with the gate."""

    name = "gate"

    def __init__(self, gate: Gate, fs: float, window_s: float) -> None:
        self._gate = gate
        self._windows = Windows(fs, window_s, window_s, window_s, REST_S)
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
