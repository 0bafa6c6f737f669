"""The stage that names the rhythm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ecgedge.artefacts.manifest import Manifest
from ecgedge.events import Event, Rhythm
from ecgedge.rhythm.decision import Hysteresis
from ecgedge.stream.segment import Judged, Segment
from ecgedge.stream.windowing import Stretch, Windows

SHORTEST_S = 5.0  # no rhythm is named from less


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
        self._windows = Windows(m.fs, m.window_s, m.hop_s, m.min_window_s, SHORTEST_S)

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
