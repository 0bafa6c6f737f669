"""Names beats: a beat-class model folder, and the stage that gives every beat its class.

The class of a beat depends on the interval that follows it, so a beat is reported when the one after it has
come, or after a pause.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecgedge.artefacts.backends import Backend
from ecgedge.artefacts.manifest import Manifest
from ecgedge.beat_classes.features import (
    AFTER,
    BEFORE,
    FS,
    LONGEST_RR_S,
    N_INPUTS,
    N_WAVE,
    BeatHistory,
    BeatView,
    Floats,
    beat_inputs,
    cut,
)
from ecgedge.beats.stage import BeatStage
from ecgedge.events import Beat
from ecgedge.rhythm.model import ModelFolder
from ecgedge.stream.segment import Segment
from ecgedge_bridge.errors import ModelError

NORMALISATION = "beat_views"
USUAL = "N"  # what a beat is called that is plainly the wearer's usual one
SETTLE_S = 1.0  # a beat is found at most so long after its R peak, but for those that a second look finds


class BeatModel(ModelFolder):
    """A model that names a beat from its :class:`ecgedge.beat_classes.features.BeatView`.

    Parameters
    ----------
    manifest : Manifest
        Of task ``beats``.
    backend : Backend

    Raises
    ------
    ModelError
        The manifest is of another task, or asks for preprocessing that this version does not know.
    """

    bundled = "beat_classes"

    def __init__(self, manifest: Manifest, backend: Backend) -> None:
        kind, values = manifest.normalisation.kind, manifest.normalisation.values
        if manifest.task != "beats":
            raise ModelError(f"the model's task is {manifest.task!r}: give the folder of a beat-class model")
        wanted = kind, manifest.fs, manifest.n_inputs
        if wanted != (NORMALISATION, FS, N_INPUTS) or "clip" not in values:
            raise ModelError(
                f"the model wants {manifest.n_inputs} values by {kind!r} at {manifest.fs:g} Hz, this version "
                f"knows {N_INPUTS} by {NORMALISATION!r} at {FS:g} Hz: update ecgedge"
            )
        super().__init__(manifest, backend)
        self._clip = float(values["clip"])

    def symbols(self, views: Sequence[BeatView]) -> list[str]:
        """Class of each beat, as the manifest names it; what is prepared together costs less."""
        if not views:
            return []
        waves, intervals = np.array([v.waves for v in views]), np.array([v.intervals for v in views])
        rows = beat_inputs(waves, intervals, self._clip)[:, None, None]
        return [self.manifest.classes[int(self.backend.run(x).argmax())] for x in rows]


class BeatClassStage:
    """Finds beats and names them, each when the next one has come, or after a pause of 2 s.

    Parameters
    ----------
    beats : BeatStage
        Finds them.
    model : BeatModel
        Names them.
    """

    name = "beats"

    def __init__(self, beats: BeatStage, model: BeatModel) -> None:
        self._beats, self._model, self._history = beats, model, BeatHistory()
        self._usual_is_named = USUAL in model.manifest.classes

    def start(self, segment: Segment) -> None:
        """Begin a new segment: what was usual in the last one need not be usual any more."""
        self._beats.start(segment)
        self._history.reset()
        self._held: tuple[Beat, float] | None = None  # has no class yet; with its position in the segment

    def advance(self, segment: Segment) -> list[Beat]:
        """Return the beats whose class is known now."""
        ready: list[tuple[Beat, BeatView | None]] = []
        found = self._beats.advance(segment)
        for back, beat in zip(range(-len(found), 0), found, strict=True):
            at = segment.beats[back].at
            ready += self._release(segment, at)
            self._held = beat, at
        if segment.ended or (self._held and self._waited_s(segment) > LONGEST_RR_S + SETTLE_S):
            ready += self._release(segment, segment.ring.written + LONGEST_RR_S * segment.fs)
        symbols = iter(self._model.symbols([view for _, view in ready if view]))
        return [
            Beat(beat.sample, beat.time_s, beat.rr_ms, next(symbols) if view else USUAL)
            for beat, view in ready
        ]

    def _waited_s(self, segment: Segment) -> float:
        return (segment.ring.written - self._held[1]) / segment.fs if self._held else 0.0

    def _release(self, segment: Segment, following: float) -> list[tuple[Beat, BeatView | None]]:
        """The beat that is held, whose follower is at ``following``, and what the model sees of it, if it is
        asked at all."""
        if self._held is None:
            return []
        (beat, at), self._held = self._held, None
        before_s = None if beat.rr_ms is None else 1e-3 * beat.rr_ms
        taken = self._wave(segment, round(at)), before_s, (following - at) / segment.fs
        usual = self._usual_is_named and self._history.take_if_usual(*taken)
        return [(beat, None if usual else self._history.take(*taken))]

    @staticmethod
    def _wave(segment: Segment, at: int) -> Floats:
        ring = segment.ring
        low, high = max(ring.oldest, at - BEFORE), min(ring.written, at + AFTER)
        return cut(ring.view(low, high), at - BEFORE - low, N_WAVE)
