"""The stage that gives every beat its class.

The class of a beat depends on the interval that follows it, so a beat is named when the one after it has
come, or after a pause. In sure atrial fibrillation, as far as a rhythm stage has told by then, no beat is
called supraventricular ectopic: none is early where no rhythm is.
"""

from __future__ import annotations

from ecgedge.beat_classes.features import (
    AFTER,
    BEFORE,
    LONGEST_RR_S,
    N_WAVE,
    BeatHistory,
    Floats,
    cut,
)
from ecgedge.beat_classes.model import BeatClassModel
from ecgedge.beats.detector import LOOK_BACK_S
from ecgedge.events import Beat
from ecgedge.stream.segment import DetectedBeat, Part, Segment

# Ventricular beats in a row, from the third to the 600th, do not become the template, however regularly they
# come: after 144 s at 150 a minute such a run was called normal, by its own template. What goes on for longer
# is a bundle branch block that was taken for it: ten minutes at 60 a minute.
RUN, MOST_IN_ROW = 3, 600
# Atrial fibrillation at least so probable is sure. Chosen on DS1 without 201 and on svdb: the gross F1 of S,
# 0.910 and 0.762, becomes 0.912 and 0.776; at 0.9 0.915 and 0.771, at 0.8 worse than without the rule.
FIBRILLATION = 0.95


class BeatClassStage:
    """Names beats and makes their events, each when the next one has come, or after a pause of 2 s.

    Parameters
    ----------
    model : BeatClassModel
        Names them.
    """

    name = "beat classes"
    latency_s = LONGEST_RR_S
    # A beat of search-back may be as old as that goes back, and its wave begins before it.
    window_s = LOOK_BACK_S + BEFORE / 100.0
    reads: tuple[Part, ...] = ("beats",)
    writes: tuple[Part, ...] = ("classes",)

    def __init__(self, model: BeatClassModel) -> None:
        self._model, self._history, self.fs = model, BeatHistory(), model.manifest.fs
        # What a beat is called that matches the template, if the model has a name for that.
        self._normal = next(iter(model.manifest.with_role("normal")), None)
        self.reset()

    def start(self, segment: Segment) -> None:
        """Begin a new segment: the template of the last one need not fit any more."""
        self.reset()

    def reset(self) -> None:
        """Forget the wearer."""
        self._history.reset()
        self._held: DetectedBeat | None = None  # the newest beat, which has no class yet
        self._taken = 0  # beats of the segment that came up to it
        self._in_row = 0  # ventricular beats since the last other one

    def advance(self, segment: Segment) -> list[Beat]:
        """Name the beats whose following interval is known now, and return their events."""
        named: list[DetectedBeat] = []
        for beat in segment.beats_after(self._taken):
            named += self._release(segment, beat.position)
            self._held = beat
        self._taken = segment.n_beats
        if segment.ended or (self._held and self._is_pause(segment, self._held)):
            named += self._release(segment, segment.ring.written + LONGEST_RR_S * segment.fs)
        return [segment.event(beat) for beat in named]

    @staticmethod
    def _is_pause(segment: Segment, beat: DetectedBeat) -> bool:
        """Whether no beat follows for so long that it does not matter how long."""
        # Longer intervals are all the same to the model: nothing is learnt by waiting on.
        return segment.settled("beats") - beat.position > LONGEST_RR_S * segment.fs

    def _release(self, segment: Segment, following: float) -> list[DetectedBeat]:
        """Name the beat that is held, if there is one; the next one is at ``following``."""
        if self._held is None:
            return []
        beat, self._held = self._held, None
        before_s = None if beat.rr_ms is None else 1e-3 * beat.rr_ms
        taken = self._wave(segment, beat), before_s, segment.seconds_between(beat.position, following)
        matches = self._normal is not None and self._history.take_if_template(*taken)
        symbol = self._normal if matches else None
        if symbol is None:
            symbol = self._model.symbols([self._history.inputs(*taken)])[0]
        if self._role(symbol) == "supraventricular" and segment.fibrillation >= FIBRILLATION:
            symbol = self._normal or symbol
        beat.symbol, beat.role = symbol, self._role(symbol)
        self._in_row = self._in_row + 1 if beat.role == "ventricular" else 0
        if not matches:
            self._history.learn(*taken, template=not RUN <= self._in_row <= MOST_IN_ROW)
        return [beat]

    def _role(self, symbol: str) -> str:
        return self._model.manifest.roles[symbol]

    @staticmethod
    def _wave(segment: Segment, beat: DetectedBeat) -> Floats:
        ring, at = segment.ring, round(beat.position)
        low, high = max(ring.oldest, at - BEFORE), min(ring.written, at + AFTER)
        return cut(ring.view(low, high), at - BEFORE - low, N_WAVE)
