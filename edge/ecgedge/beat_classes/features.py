"""What a beat-class model gets of a beat: its wave, the wearer's template beat, and the rhythm around it.

One lead shows an ectopic beat only against what its wearer's beats are like, so the model is given three
waves: the signal around the beat, around the beat before it, and the template beat, a running mean of the
beats that did not come early. The rhythm is given as ratios of intervals to means of the last minute and of
the last five, and as means of the last minute that tell how regular the rhythm is and whether there is a P
wave. Waves are compared by correlations and ratios of power. Training and live inference both call these
functions, so that they cannot drift apart.

No figure takes the majority of the beats for normal: where four of five beats are supraventricular ectopic
ones (record 232 of MIT-BIH), a median interval is theirs. A mean is not, since the pauses between are long.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.stream.amplitude import FLOOR_MV

Floats = npt.NDArray[np.float32]
Means = list[list[float]]  # of each wave, over each region

FS = 100.0
BEFORE, AFTER = 36, 44  # samples of a wave around its R peak: from the P wave to the T wave
N_WAVE = BEFORE + AFTER
LONGEST_RR_S = 2.0  # what takes longer is a pause, however much longer
# Means forget with these time constants: on folds of DS1, the F1 of S is 0.84 to 0.90 with them, and 0.69
# with medians and quantiles of the last 8, 32 and 128 intervals.
MINUTE_S, MINUTES_S = 60.0, 300.0
EARLY = 0.9  # of a mean interval: a beat that comes sooner is early, and no template beat
STEADY = 0.06  # of the mean interval: intervals that differ by less are about the same
MOST_CHANGE = 0.25  # of the mean interval: a change of intervals counts as no more
# A beat is plainly the template beat if it comes within these factors of the mean interval of a minute, and
# the next one no earlier; no earlier than that against five minutes either; if this share of intervals
# repeats one of the two before it; and if no sample is further from the template than this share of its
# height.
PLAIN_EARLY, PLAIN_LATE, PLAIN_STEADY, PLAIN_UNLIKE = 0.95, 1.1, 0.5, 0.35
PLAIN_BEATS = 8  # that come before; means of fewer say little
FOLLOW = 0.1  # weight of a new beat in the template
STEP = 0.25  # share of its height that a sample of the template moves at most, or artefacts would count

QRS, P_WAVE, T_WAVE = (slice(BEFORE + a, BEFORE + b) for a, b in ((-8, 9), (-26, -8), (10, 42)))
BROAD_QRS = slice(BEFORE - 14, BEFORE + 17)
P_BASE = 3  # samples at the end of the P window whose mean is its zero line
N_WAVES, N_RHYTHM, N_SIMILARITIES, N_P_WAVE = 3, 11, 16, 5
N_FIGURES = N_RHYTHM + N_SIMILARITIES + N_P_WAVE
N_INPUTS = N_WAVES * N_WAVE + N_FIGURES
_FLOOR = np.array(FLOOR_MV, np.float32)
_POWER_FLOOR = 1e-4  # of a wave over its height: a hundredth of it
_P_FLOOR = 0.01  # RMS of a P window over the height of the QRS
MOST_P_DIFFERENCE = 1.5  # a difference of P waves counts as no more, in the unit of its mean


@dataclass(frozen=True, slots=True, eq=False)
class BeatInputs:
    """A beat as its history shows it.

    ``waves`` (3, 80) are those of the beat, of the beat before it, and the template beat, in mV; ``rhythm``
    (11,) are the figures of intervals and of the last minute, see :meth:`BeatHistory.take`.
    """

    waves: Floats
    rhythm: Floats


class _Shape(NamedTuple):
    """How like the template a beat is: correlations of P wave and QRS, and how far its P wave is."""

    p_wave: float
    qrs: float
    p_difference: float


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

    def add(self, rr: float, last: float, second: float, shape: _Shape | None) -> None:
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
    """What a wearer's beats and rhythm were like so far: bounded, a few sums and two waves."""

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

    def take(self, wave: Floats, before_s: float | None, after_s: float) -> BeatInputs:
        """Take the next beat.

        Parameters
        ----------
        wave : array, shape (80,)
            Filtered signal at 100 Hz from 0.36 s before the R peak, in mV.
        before_s, after_s : float
            Intervals to the beats before and after; no beat before the first.

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
        inputs = self.inputs(wave, before_s, after_s)
        self.learn(wave, before_s, after_s)
        return inputs

    def inputs(self, wave: Floats, before_s: float | None, after_s: float) -> BeatInputs:
        """What the model gets of the next beat; the parameters are those of :meth:`take`."""
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
        self._learn(wave, before, template=True)
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

    def learn(self, wave: Floats, before_s: float | None, after_s: float, *, template: bool = True) -> None:
        """Remember a beat; with ``template``, let one that is not early teach the template too."""
        self._learn(wave, min(before_s or after_s, LONGEST_RR_S), template=template)

    def _learn(self, wave: Floats, before: float, *, template: bool) -> None:
        shape = None
        if self._template is None:
            self._template, self._template_beats = wave, 1
            self._height = float(height_mv(wave)[0])
        elif template and before >= EARLY * self._means.means(before)[1]:
            shape = _shape(wave, self._template, self._height)
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


def _shape(wave: Floats, template: Floats, height: float) -> _Shape:
    p_wave, template_p = wave[P_WAVE], template[P_WAVE]
    n, floor = len(p_wave), _POWER_FLOOR * height * height
    difference = p_wave - template_p
    difference = difference - np.add.reduce(difference[-P_BASE:]) / P_BASE
    level = template_p - np.add.reduce(template_p[-P_BASE:]) / P_BASE
    rms = sqrt(float(level @ level) / n) + _P_FLOOR * height
    return _Shape(
        _correlation(p_wave, template_p, floor),
        _correlation(wave[QRS], template[QRS], floor),
        min(0.5 * sqrt(float(difference @ difference) / n) / rms, MOST_P_DIFFERENCE),
    )


def _correlation(a: Floats, b: Floats, floor: float) -> float:
    """Of two waves; ``floor`` is a power that counts as nothing."""
    n = len(a)
    mean_a, mean_b = float(np.add.reduce(a)) / n, float(np.add.reduce(b)) / n
    power_a, power_b = float(a @ a) / n - mean_a * mean_a, float(b @ b) / n - mean_b * mean_b
    return (float(a @ b) / n - mean_a * mean_b) / sqrt(max((power_a + floor) * (power_b + floor), 1e-12))


def height_mv(waves: Floats) -> Floats:
    """Peak-to-peak height of the QRS of waves of shape (..., 80): (..., 1), at least 0.02 mV."""
    qrs = waves[..., QRS]
    height: Floats = np.maximum.reduce(qrs, axis=-1, keepdims=True)
    height -= np.minimum.reduce(qrs, axis=-1, keepdims=True)
    return np.maximum(height, _FLOOR, out=height)


def cut(signal: Floats, start: int, n: int) -> Floats:
    """Samples ``start`` to ``start + n``, the outermost ones repeated beyond the ends."""
    low, high = max(0, start), min(len(signal), start + n)
    if high - low == n:
        return signal[low:high].copy()
    return np.pad(signal[low:high], (low - start, start + n - high), mode="edge")


def _regions() -> Floats:
    """Weights that take the mean over each region, (80, 4)."""
    regions = QRS, P_WAVE, T_WAVE, BROAD_QRS
    weights = np.zeros((N_WAVE, len(regions)), np.float32)
    for i, region in enumerate(regions):
        weights[region, i] = 1.0 / (region.stop - region.start)
    return weights


_REGIONS = _regions()
_BASE = np.full((P_BASE, 1), 1 / P_BASE, np.float32)


def similarities(waves: Floats) -> Floats:
    """How similar two waves are to a third, the template: (k, 3, 80) to (k, 16), in heights of its QRS.

    For each of the two, over QRS, P and T wave: correlations, then logarithms of the ratios of amplitude;
    last how much faster the QRS of each is than the template's, and how fast it is.
    """
    rows = np.zeros((len(waves), 11, N_WAVE), np.float32)
    rows[:, :3] = waves
    np.multiply(waves, waves, out=rows[:, 3:6])
    np.multiply(waves[:, :2], waves[:, 2:], out=rows[:, 6:8])
    slopes = rows[:, 8:, 1:]
    np.subtract(waves[:, :, 1:], waves[:, :, :-1], out=slopes)
    np.multiply(slopes, slopes, out=slopes)
    means = (rows.reshape(-1, N_WAVE) @ _REGIONS).reshape(-1, 11, 4).tolist()
    return np.array([_compared(m[:3], m[3:6], m[6:8], m[8:]) for m in means], np.float32)


def _compared(mean: Means, square: Means, cross: Means, slope: Means) -> list[float]:
    """Similarities from the means of three waves, their squares, products with the third, and squared slopes.

    In plain floats: so few of them cost more as arrays.
    """
    power = [
        [q - m * m + _POWER_FLOOR for q, m in zip(s, a, strict=True)]
        for s, a in zip(square, mean, strict=True)
    ]
    template_mean, template_power = mean[2], power[2]
    alike, louder = [], []
    for w in (0, 1):
        for r in range(3):
            shared = cross[w][r] - mean[w][r] * template_mean[r]
            alike.append(shared / sqrt(max(power[w][r] * template_power[r], 1e-12)))
            louder.append(0.5 * log(max(power[w][r] / template_power[r], 1e-12)))
    speed = [
        0.5 * log(s[3] / (q[3] + _POWER_FLOOR) + _POWER_FLOOR) for s, q in zip(slope, square, strict=True)
    ]
    faster = [2 * (speed[0] - speed[2]), 2 * (speed[1] - speed[2]), speed[0] + 1, speed[1] + 1]
    return [*alike, *louder, *faster]


def p_waves(waves: Floats) -> Floats:
    """P waves of two beats against that of the template: (k, 3, 80) to (k, 5), in heights of its QRS.

    How large the template's is; then for each of the two how far it is from it, and its share of it: 1 where
    both are the same, 0 where there is no such P wave, negative where it is upside down.
    """
    p = waves[:, :, P_WAVE]
    p = p - p[:, :, -P_BASE:] @ _BASE
    products = (p @ p.transpose(0, 2, 1)).tolist()
    n = P_WAVE.stop - P_WAVE.start
    return np.array([_p_figures(g, n) for g in products], np.float32)


def _p_figures(products: Means, n: int) -> list[float]:
    """From the scalar products of three P windows of ``n`` samples with each other."""
    power = products[2][2] / n
    rms = sqrt(power) + _P_FLOOR
    figures = [0.5 * log(10 * rms)]
    for w in (0, 1):
        shared = products[w][2] / n
        apart = sqrt(max(products[w][w] / n - 2 * shared + power, 0.0))
        figures += [0.5 * apart / rms, shared / rms**2]
    return figures


def beat_inputs(waves: Floats, rhythm: Floats, clip: float) -> Floats:
    """Model inputs of ``k`` beats, from what :class:`BeatInputs` holds of each.

    Parameters
    ----------
    waves : array, shape (k, 3, 80)
        In mV.
    rhythm : array, shape (k, 11)
    clip : float
        The INT8 range is spent on what is within.

    Returns
    -------
    array, shape (k, 272)
        The three waves over the height of the template's QRS, sample by sample (all first ones, all second
        ones, and so on), then the figures: rhythm, similarities, P waves.

    Examples
    --------
    >>> beat_inputs(np.zeros((2, 3, 80), np.float32), np.zeros((2, 11), np.float32), clip=1.5).shape
    (2, 272)
    """
    scaled = waves / height_mv(waves[:, 2:])
    out = np.empty((len(waves), N_INPUTS), np.float32)
    in_turn, figures = out[:, :-N_FIGURES], out[:, -N_FIGURES:]
    in_turn.reshape(-1, N_WAVE, N_WAVES)[...] = scaled.transpose(0, 2, 1)
    figures[:, :N_RHYTHM], figures[:, -N_P_WAVE:] = rhythm, p_waves(scaled)
    figures[:, N_RHYTHM:-N_P_WAVE] = similarities(scaled)
    np.minimum(out, np.float32(clip), out=out)
    np.maximum(out, np.float32(-clip), out=out)
    return out
