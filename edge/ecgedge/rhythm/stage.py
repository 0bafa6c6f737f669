"""The stage that names the rhythm."""

from __future__ import annotations

from ecgedge.events import Event, Rhythm
from ecgedge.rhythm.decision import Hysteresis
from ecgedge.rhythm.model import RhythmModel
from ecgedge.rhythm.regularity import is_clockwork, without_fibrillation
from ecgedge.rhythm.sinus import looks_sinus, may_be_sinus, rate_word
from ecgedge.rhythm.wearer import Wearer
from ecgedge.stream.rate import heart_rate_bpm
from ecgedge.stream.segment import Part, Segment, Verdict
from ecgedge.stream.windowing import Stretch, Windows

# No rhythm is named from less: the shortest recordings of CinC 2017, which the model was trained and
# validated on.
SHORTEST_S = 9.0

# A recording of less holds one whole window of the gate. If that was refused, and is still more probably
# usable than not, the model is asked, and what the gate said goes into its answer.
DOUBTFUL_S, DOUBTFUL = 20.0, 0.5


class RhythmStage:
    """Runs the model on what the gate left of each window, and holds the label.

    A segment of less than 20 s whose only window is doubtful is named at its end, its probabilities times
    that of being usable, the rest noise.

    Parameters
    ----------
    model : RhythmModel
    by_class : bool
        Whether a stage before this one names beats: sinus rhythm at a high or low rate is known by them.
    wearer : Wearer, optional
        Whose rhythm it is, for :meth:`RhythmModel.for_wearer`.

    Raises
    ------
    TypeError
        ``wearer`` is something else.
    """

    name = "rhythm"
    writes: tuple[Part, ...] = ()

    def __init__(self, model: RhythmModel, *, by_class: bool = False, wearer: Wearer | None = None) -> None:
        if not isinstance(wearer, Wearer | None):
            raise TypeError(f"wearer is {wearer!r}: give an ecgedge.Wearer, or None")
        self.reads: tuple[Part, ...] = ("beats", "classes", "verdicts") if by_class else ("beats", "verdicts")
        m = model.manifest
        self.fs, self.window_s, self.latency_s = m.fs, m.window_s, max(m.hop_s, m.min_window_s)
        self._model, self._wearer = model, wearer
        self._hysteresis = Hysteresis(model.thresholds["conclusive"], model.thresholds["sure"])
        self._least = round(m.min_window_s * m.fs)
        self._windows = Windows(m.fs, m.window_s, m.hop_s, m.min_window_s, SHORTEST_S)
        self._named = False  # something of this segment
        self._refused: Stretch | None = None  # the last window that the gate left too little of

    def start(self, segment: Segment) -> None:
        """Begin a new segment; the label held stays, since the heart did not stop."""
        self._windows.reset()
        self._named, self._refused = False, None

    def reset(self) -> None:
        """Forget the label."""
        self._windows.reset()
        self._named, self._refused = False, None
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
                self._refused = w
            else:
                segment.counts.model_runs += 1
                self._named = True
                events.append(self._name(segment, clean))
        return events + self._doubtful(segment)

    def _doubtful(self, segment: Segment) -> list[Event]:
        """Name a short segment at its end that the gate refused without being sure."""
        w, short = self._refused, segment.ring.written < DOUBTFUL_S * segment.fs
        if not segment.ended or self._named or not short or w is None:
            return []
        usable = min((v.score for v in segment.verdicts_between(w.start, w.end)), default=0.0)
        if usable < DOUBTFUL:
            return []
        segment.counts.rejected -= 1
        segment.counts.model_runs += 1
        return [self._name(segment, w, usable)]

    def _name(self, segment: Segment, w: Stretch, usable: float = 1.0) -> Rhythm:
        signal = segment.ring.view(w.start, w.end)
        beats = segment.beats_between(w.start, w.end)
        beats_s = [segment.seconds_between(w.start, beat.position) for beat in beats]
        told = self._model.for_wearer(self._model.probabilities(signal), self._wearer)
        if is_clockwork(beats_s):
            told = without_fibrillation(told, self._model.manifest.roles)
        p = self._doubted(told, usable)
        segment.fibrillation = self._model.fibrillation(p)
        seconds = (w.end - w.start) / segment.fs
        decision = self._hysteresis.update(p, seconds)
        bpm = heart_rate_bpm([beats_s])
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
            af=self._model.af(p, seconds),
            heart_rate_bpm=bpm,
            rate=rate_word(bpm),
            sinus=sinus,
        )

    def _doubted(self, p: dict[str, float], usable: float) -> dict[str, float]:
        """Probabilities where the signal is usable with some probability, and else noise."""
        if usable == 1.0:
            return p
        noise = self._model.manifest.with_role("noise") or tuple(p)
        return {c: usable * v + (1 - usable) * (c in noise) / len(noise) for c, v in p.items()}

    def _role(self, label: str) -> str:
        return self._model.manifest.roles[label]

    def _sinus(self, label: str) -> bool | None:
        """Whether a label means sinus rhythm; None where it means noise."""
        role = self._role(label)
        return None if role == "noise" else role == "normal"


def _since_noise(w: Stretch, verdicts: list[Verdict]) -> Stretch:
    """What comes after the last refused stretch: no noise reaches the model, not even as part of a window."""
    return Stretch(max([w.start, *(v.end for v in verdicts if not v.accepted)]), w.end)
