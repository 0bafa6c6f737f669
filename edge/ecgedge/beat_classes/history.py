"""What a wearer's beats and rhythm were like so far: the reference of ``edge/core/history.c``."""

from __future__ import annotations

from copy import copy
from typing import NamedTuple, Self

import numpy as np

from ecgedge.arithmetic.functions import exp, log
from ecgedge.artefacts.backends.base import Codes
from ecgedge.artefacts.backends.interpreter import Quantizer
from ecgedge.artefacts.manifest import TensorSpec
from ecgedge.beat_classes.layout import (
    EARLY,
    FOLLOW,
    LONGEST_RR_S,
    MINUTE_S,
    MINUTES_S,
    MOST_CHANGE,
    MOST_MV,
    N_WAVE,
    N_WAVES,
    PLAIN_BEATS,
    PLAIN_EARLY,
    PLAIN_LATE,
    PLAIN_STEADY,
    PLAIN_UNLIKE,
    SHORTEST_RR_S,
    STEADY,
    STEP,
    Floats,
)
from ecgedge.beat_classes.likeness import Shape, beat_inputs, height_mv, shape_of
from ecgedge.stream.amplitude import FLOOR_MV


class BeatInputs(NamedTuple):
    """A beat as its history shows it.

    ``waves`` (3, 80) are those of the beat, of the beat before it, and the template beat, in mV; ``rhythm``
    (11,) are the figures of intervals and of the last minute, see :meth:`BeatHistory.take`.
    """

    waves: Floats
    rhythm: Floats


class _Means:
    """Means of the last minute and of the last five, each beat weighted by how long ago it was."""

    def __init__(self) -> None:
        self.beats = self.long_beats = self.rr = self.long_rr = 0.0  # sums: weights, and weighted intervals
        self.steady = self.repeats = self.changes = 0.0
        self.shapes = self.p_wave = self.qrs = self.p_difference = 0.0

    def means(self, rr: float) -> tuple[float, float]:
        """Mean interval of a minute and of five; ``rr`` where there is none yet."""
        if not self.beats:
            return rr, rr
        return self.rr / self.beats, self.long_rr / self.long_beats

    def add(self, rr: float, last: float, second: float, shape: Shape | None) -> None:
        """Take an interval; ``last`` and ``second`` are the two before it.

        ``shape`` is that of a beat that is not early.
        """
        mean = self.means(rr)[0]
        change = abs(rr - last) / mean
        nearest = min(change, abs(rr - second) / mean)
        kept, long_kept = exp(-rr / MINUTE_S), exp(-rr / MINUTES_S)
        self.long_rr, self.long_beats = self.long_rr * long_kept + rr, self.long_beats * long_kept + 1
        self.rr, self.beats = self.rr * kept + rr, self.beats * kept + 1
        self.steady = self.steady * kept + (change < STEADY)
        self.repeats = self.repeats * kept + (nearest < STEADY)
        self.changes = self.changes * kept + min(nearest, MOST_CHANGE)
        self.shapes, self.p_wave = self.shapes * kept, self.p_wave * kept
        self.qrs, self.p_difference = self.qrs * kept, self.p_difference * kept
        if shape:
            self.shapes += 1
            self.p_wave += shape.p_wave
            self.qrs += shape.qrs
            self.p_difference += shape.p_difference

    @property
    def repeated(self) -> float:
        """Share of intervals that were about the same as the nearer of the two before."""
        return self.repeats / self.beats if self.beats else 0.0

    def figures(self) -> tuple[float, ...]:
        """How regular the rhythm is, and how like the template beats are, scaled to about -1 to 1.

        A beat of a half each stands for the shapes that are not known yet.
        """
        shapes = [2 * (x + 0.5) / (self.shapes + 1) - 1 for x in (self.p_wave, self.qrs, self.p_difference)]
        n = self.beats
        if not n:
            return 0.0, 0.0, -1.0, *shapes
        return (
            2 * self.steady / n - 1,
            2 * self.repeats / n - 1,
            8 * self.changes / n - 1,
            *shapes,
        )


class BeatHistory:
    """What a wearer's beats and rhythm were like so far: bounded, a few sums and two waves.

    Its methods take a beat: ``wave``, the filtered signal at 100 Hz from 0.36 s before the R peak, in mV, an
    array of shape (80,); ``before_s`` and ``after_s``, the intervals to the beats before and after it in s.
    There is no beat before the first. They raise ValueError for what no beat can be: another shape, values
    that are not finite, an interval of less than 1 ms.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the wearer."""
        self._means = _Means()
        self._template: Floats | None = None
        self._height = FLOOR_MV  # of the template
        self._last: Floats | None = None
        self._last_rr: list[float] = []  # the last two, newest first
        self._beats = self._template_beats = 0

    def snapshot(self) -> Self:
        """Return a copy, which further beats do not change."""
        other = copy(self)
        other._means = copy(self._means)
        return other

    def restore(self, other: Self) -> None:
        """Become what a snapshot was."""
        self.__dict__.update(other.snapshot().__dict__)

    def take(self, wave: Floats, before_s: float | None, after_s: float) -> BeatInputs:
        """Take the next beat, as training does: what the model's inputs are made from comes back.

        Returns
        -------
        BeatInputs
            With, in ``rhythm``: 2 ln of the interval over the means of a minute and of five, of the next
            interval over the mean of a minute, and of the interval over the next and over the last one; the
            shares of intervals that repeat the last one and the nearer of the last two; how much intervals
            change; how P waves and QRS correlate with the template's, and how far P waves are from its: in
            atrial fibrillation there is none that they could be like, and noise shows in the QRS too.

        Examples
        --------
        >>> beat = BeatHistory().take(np.zeros(80, np.float32), None, 0.8)
        >>> beat.waves.shape, beat.rhythm.shape
        ((3, 80), (11,))
        """
        seen = self._seen(wave, before_s, after_s)
        self.learn(wave, before_s, after_s)
        return seen

    def inputs(
        self, wave: Floats, before_s: float | None, after_s: float, clip: float, *quantization: float
    ) -> Floats | Codes:
        """What the model gets of the next beat, shape (272,).

        ``clip`` is that of :func:`ecgedge.beat_classes.features.beat_inputs`; with a scale and a zero point
        behind it, the inputs are INT8 codes.
        """
        seen = self._seen(wave, before_s, after_s)
        row: Floats = beat_inputs(seen.waves[None], seen.rhythm[None], clip)[0]
        return _codes(row, *quantization) if quantization else row

    def _seen(self, wave: Floats, before_s: float | None, after_s: float) -> BeatInputs:
        _check(wave, before_s, after_s)
        before, after = min(before_s or after_s, LONGEST_RR_S), min(after_s, LONGEST_RR_S)
        waves = np.empty((N_WAVES, N_WAVE), np.float32)
        waves[0] = wave
        waves[1] = wave if self._last is None else self._last
        waves[2] = wave if self._template is None else self._template
        return BeatInputs(waves, self._rhythm(before, after))

    def take_if_template(self, wave: Floats, before_s: float | None, after_s: float) -> bool:
        """Take the next beat if it is so plainly the template beat that no model need be asked.

        It came when it was due, so does the next one, half of the intervals repeat one before them, and it
        looks like the template. That holds for 51 % of the beats of DS1 and 44 % of those of svdb; of those
        50,000 and 60,000, the annotations call 5 and 179 S (113 of record 822), 1 and 27 V.
        """
        _check(wave, before_s, after_s)
        if before_s is None or self._template is None or self._beats < PLAIN_BEATS:
            return False
        before = min(before_s, LONGEST_RR_S)
        mean, long_mean = self._means.means(before)
        on_time = PLAIN_EARLY * mean <= before <= PLAIN_LATE * mean and after_s >= PLAIN_EARLY * mean
        if not (on_time and before >= PLAIN_EARLY * long_mean and self._means.repeated >= PLAIN_STEADY):
            return False
        unlike = wave - self._template
        most = max(float(np.maximum.reduce(unlike)), -float(np.minimum.reduce(unlike)))
        if most > PLAIN_UNLIKE * self._height:
            return False
        self._learn(wave, before, teach=True)
        return True

    def _rhythm(self, before: float, after: float) -> Floats:
        mean, long_mean = self._means.means(before)
        last = self._last_rr[0] if self._last_rr else before
        return np.array(
            (
                2 * log(before / mean),
                2 * log(before / long_mean),
                2 * log(after / mean),
                2 * log(before / after),
                2 * log(before / last),
                *self._means.figures(),
            ),
            np.float32,
        )

    def learn(self, wave: Floats, before_s: float | None, after_s: float, teach: bool = True) -> None:
        """Remember a beat; with ``teach``, one that is not early teaches the template too."""
        _check(wave, before_s, after_s)
        self._learn(wave, min(before_s or after_s, LONGEST_RR_S), teach=teach)

    def _learn(self, wave: Floats, before: float, *, teach: bool) -> None:
        shape = None
        wave = wave.copy()  # it may be a view of a ring that is overwritten
        if self._template is None:
            self._template, self._template_beats = wave, 1
            self._height = float(height_mv(wave)[0])
        elif teach and before >= EARLY * self._means.means(before)[1]:
            shape = shape_of(wave, self._template, self._height)
            self._template_beats += 1
            self._follow(wave, self._template)
        last = self._last_rr[0] if self._last_rr else before
        self._means.add(before, last, self._last_rr[-1] if self._last_rr else before, shape)
        self._last_rr = [before, last]
        self._last = wave
        self._beats += 1

    def _follow(self, wave: Floats, template: Floats) -> None:
        step = np.float32(STEP * self._height)
        change = np.minimum(np.maximum(wave - template, -step), step)
        self._template = template + np.float32(max(FOLLOW, 1 / self._template_beats)) * change
        self._height = float(height_mv(self._template)[0])


def _check(wave: Floats, before_s: float | None, after_s: float) -> None:
    if wave.dtype != np.float32:
        raise TypeError(f"a wave of float32 is wanted, not of {wave.dtype}")
    if wave.shape != (N_WAVE,):
        raise ValueError(f"a wave of {N_WAVE} samples is wanted, not of shape {wave.shape}")
    if not (np.maximum.reduce(wave) <= MOST_MV and np.minimum.reduce(wave) >= -MOST_MV):
        raise ValueError("a wave is wanted of finite numbers, of at most 1e30 mV")
    if not (after_s >= SHORTEST_RR_S and (before_s is None or before_s >= SHORTEST_RR_S)):
        raise ValueError("an interval between beats is at least 0.001 s")


def _codes(row: Floats, scale: float, zero_point: float) -> Codes:
    return Quantizer(TensorSpec("ecg", row.shape, "int8", scale=scale, zero_point=int(zero_point)))(row)
