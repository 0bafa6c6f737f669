"""The stage that gives every beat its class.

The class of a beat depends on the interval that follows it, so a beat is named when the one after it has
come, or after a pause. In sure atrial fibrillation, as far as a rhythm stage has told by then, no beat is
called supraventricular ectopic: none is early where no rhythm is.
"""

from __future__ import annotations

from ecgedge.beat_classes.features import new_history
from ecgedge.beat_classes.layout import AFTER, BEFORE, LONGEST_RR_S
from ecgedge.beat_classes.model import BeatClassModel
from ecgedge.beats.settings import LOOK_BACK_S
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
        self._model, self._history, self.fs = model, new_history(), model.manifest.fs
        self._roles = model.manifest.roles
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
        beat, self._held = self._held, None
        if beat is None:
            return []
        at = round(beat.position)
        wave = segment.ring.extended(at - BEFORE, at + AFTER)
        before_s = None if beat.rr_ms is None else 1e-3 * beat.rr_ms
        after_s = segment.seconds_between(beat.position, following)
        symbol, history = self._normal, self._history
        matches = symbol is not None and history.take_if_template(wave, before_s, after_s)
        if symbol is None or not matches:
            symbol = self._model.symbol(history.inputs(wave, before_s, after_s, *self._model.form))
        role = self._roles[symbol]
        if role == "supraventricular" and segment.fibrillation >= FIBRILLATION and self._normal is not None:
            symbol, role = self._normal, self._roles[self._normal]
        beat.symbol, beat.role = symbol, role
        self._in_row = self._in_row + 1 if role == "ventricular" else 0
        if not matches:
            history.learn(wave, before_s, after_s, not RUN <= self._in_row <= MOST_IN_ROW)
        return [beat]
