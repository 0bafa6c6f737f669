"""The stage that names the rhythm."""

from __future__ import annotations

from ecgedge.events import Event, Rhythm
from ecgedge.rhythm.decision import Hysteresis
from ecgedge.rhythm.model import RhythmModel
from ecgedge.rhythm.sinus import looks_sinus, may_be_sinus, rate_word
from ecgedge.stream.rate import heart_rate_bpm
from ecgedge.stream.segment import Part, Segment, Verdict
from ecgedge.stream.windowing import Stretch, Windows

# No rhythm is named from less: the shortest recordings of CinC 2017, which the model was trained and
# validated on. AF, yes or no, needs 30 s: no diagnosis rests on less (Hindricks et al., ESC guidelines,
# 2020).
SHORTEST_S, AF_LEAST_S = 9.0, 30.0


class RhythmStage:
    """Runs the model on what the gate left of each window, and holds the label.

    Parameters
    ----------
    model : RhythmModel
    by_class : bool
        Whether a stage before this one names beats: sinus rhythm at a high or low rate is known by them.
    """

    name = "rhythm"
    writes: tuple[Part, ...] = ()

    def __init__(self, model: RhythmModel, *, by_class: bool = False) -> None:
        self.reads: tuple[Part, ...] = ("beats", "classes", "verdicts") if by_class else ("beats", "verdicts")
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
        signal = segment.ring.view(w.start, w.end)
        p = self._model.probabilities(signal)
        segment.fibrillation = self._model.fibrillation(p)
        decision = self._hysteresis.update(p)
        beats = segment.beats_between(w.start, w.end)
        bpm = heart_rate_bpm([[segment.seconds_between(w.start, beat.position) for beat in beats]])
        sinus = self._sinus(decision.label)
        if sinus is False and self._role(decision.label) == "other" and may_be_sinus(bpm):
            sinus = looks_sinus(signal, segment.fs, beats, w.start)
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
            af=self._model.af(p) if w.end - w.start >= AF_LEAST_S * segment.fs else None,
            heart_rate_bpm=bpm,
            rate=rate_word(bpm),
            sinus=sinus,
        )

    def _role(self, label: str) -> str:
        return self._model.manifest.roles[label]

    def _sinus(self, label: str) -> bool | None:
        """Whether a label means sinus rhythm; None where it means noise."""
        role = self._role(label)
        return None if role == "noise" else role == "normal"


def _since_noise(w: Stretch, verdicts: list[Verdict]) -> Stretch:
    """What comes after the last refused stretch: no noise reaches the model, not even as part of a window."""
    return Stretch(max([w.start, *(v.end for v in verdicts if not v.accepted)]), w.end)
