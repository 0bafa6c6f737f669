"""The stage that names the rhythm."""

from __future__ import annotations

from ecgedge.events import Event, Rhythm
from ecgedge.rhythm.decision import Hysteresis
from ecgedge.rhythm.model import RhythmModel
from ecgedge.stream.segment import Part, Segment, Verdict
from ecgedge.stream.windowing import Stretch, Windows

SHORTEST_S = 5.0  # no rhythm is named from less


class RhythmStage:
    """Runs the model on what the gate left of each window, and holds the label."""

    name = "rhythm"
    reads: tuple[Part, ...] = ("beats", "verdicts")
    writes: tuple[Part, ...] = ()

    def __init__(self, model: RhythmModel) -> None:
        m = model.manifest
        self.fs, self.window_s, self.latency_s = m.fs, m.window_s, max(m.hop_s, m.min_window_s)
        self._model = model
        self._hysteresis = Hysteresis(model.thresholds["conclusive"], model.thresholds["sure"])
        self._least = round(m.min_window_s * m.fs)
        self._windows = Windows(m.fs, m.window_s, m.hop_s, m.min_window_s, SHORTEST_S)

    def start(self, segment: Segment) -> None:
        """Begin a new segment; the label held stays, since the heart did not stop."""
        self._windows.reset()

    def reset(self) -> None:
        """Forget the label."""
        self._windows.reset()
        self._hysteresis.reset()

    def advance(self, segment: Segment) -> list[Event]:
        """Name the windows that have become complete, each from what the gate left of it."""
        events: list[Event] = []
        for w in self._windows.due(segment):
            segment.counts.windows += 1
            clean = _since_noise(w, segment.verdicts_between(w.start, w.end))
            # A model trained on 10 s and more names nothing from less, except in a segment that is no longer.
            if clean.end - clean.start < min(self._least, w.end - w.start):
                segment.counts.rejected += 1
            else:
                segment.counts.model_runs += 1
                events.append(self._name(segment, clean))
        return events

    def _name(self, segment: Segment, w: Stretch) -> Rhythm:
        p = self._model.probabilities(segment.ring.view(w.start, w.end))
        decision = self._hysteresis.update(p)
        a, b = segment.sample(w.start), segment.sample(w.end)
        return Rhythm(
            a,
            segment.seconds(a),
            b,
            segment.seconds(b),
            label=decision.label,
            window_label=max(p, key=p.__getitem__),
            probabilities=p,
            conclusive=decision.conclusive,
            changed=decision.changed,
        )


def _since_noise(w: Stretch, verdicts: list[Verdict]) -> Stretch:
    """What comes after the last refused stretch: no noise reaches the model, not even as part of a window."""
    return Stretch(max([w.start, *(v.end for v in verdicts if not v.accepted)]), w.end)
