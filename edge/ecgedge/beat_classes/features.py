"""What a beat-class model gets of a beat: its wave, the wearer's template beat, and the rhythm around it.

In one lead an ectopic beat stands out only against the wearer's own normal beat, so the model gets three
waves: the signal around the beat, around the beat before it, and the template, a running mean of the beats
that came when they were due. Intervals are ratios to the typical ones; similarity to the template is
correlations and ratios of power. Training and live inference both call these functions, so that they cannot
drift apart.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from math import log, sqrt

import numpy as np
import numpy.typing as npt

from ecgedge.hrv.ordered import Ordered
from ecgedge.stream.amplitude import FLOOR_MV

Floats = npt.NDArray[np.float32]
Means = list[list[float]]  # of each wave, over each region

FS = 100.0
BEFORE, AFTER = 36, 44  # samples of a wave around its R peak: from the P wave to the T wave
N_WAVE = BEFORE + AFTER
LONGEST_RR_S = 2.0  # what takes longer is a pause, however much longer
RECENT = 8  # intervals that the typical one is taken from
KEPT, LONG_TERM = 32, 128  # intervals that show how regular the rhythm is, and what it was before a run
NEAR = 0.06  # intervals that differ by less than this share are about the same
DUE = 0.88  # a beat earlier than this share of the typical interval does not belong into the template,
DUE_LONG_TERM = 0.65  # nor one earlier than this share of the long-term interval, as in a run
# A beat matches the template if it comes within this factor of the typical interval, and the next one no
# earlier; within another factor of the long-term interval; if at least this share of intervals is about the
# same; and if no sample is further from the template than this share of its height.
ON_TIME, ON_TIME_LONG_TERM, LEAST_NEAR, MOST_APART = 1.1, 1.2, 0.3, 0.35
FOLLOW = 0.1  # weight of a new beat in the template
STEP = 0.25  # share of its height that a sample of the template moves at most: artefacts hardly count

QRS, P_WAVE, T_WAVE = (slice(BEFORE + a, BEFORE + b) for a, b in ((-8, 9), (-26, -8), (10, 42)))
BROAD_QRS = slice(BEFORE - 14, BEFORE + 17)
N_WAVES, N_INTERVALS, N_SIMILARITIES = 3, 13, 16
N_FIGURES = N_INTERVALS + N_SIMILARITIES
N_INPUTS = N_WAVES * N_WAVE + N_FIGURES
_FLOOR = np.array(FLOOR_MV, np.float32)
RATE, LONG_AGO = 6, 9  # places among the intervals: the heart rate; the first of those from many beats


@dataclass(frozen=True, slots=True, eq=False)
class BeatInputs:
    """What the model gets of a beat.

    ``waves`` (3, 80) are those of the beat, of the beat before it, and the template, in mV; ``intervals``
    (13,) are ratios of intervals and how variable they are.
    """

    waves: Floats
    intervals: Floats


class BeatHistory:
    """Template beat and intervals of a wearer, beat by beat."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the wearer."""
        self._recent, self._kept, self._long_term = (_Latest(n) for n in (RECENT, KEPT, LONG_TERM))
        self._template: Floats | None = None
        self._height = np.float32(FLOOR_MV)  # of the template
        self._last: Floats | None = None
        self._seen = 0

    def take(self, wave: Floats, before_s: float | None, after_s: float) -> BeatInputs:
        """Take the next beat.

        Parameters
        ----------
        wave : array, shape (80,)
            Filtered signal at 100 Hz from 0.36 s before the R peak, in mV.
        before_s, after_s : float
            Intervals to the beats before and after; no beat before the first.
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
        return BeatInputs(waves, self._intervals(before, after))

    def take_if_template(self, wave: Floats, before_s: float | None, after_s: float) -> bool:
        """Take the next beat if it matches the template so well that the model need not run.

        It came when it was due, so does the next one, many intervals were like this, and it looks like the
        template. On folds of DS1 that holds for 59 % of the beats, and the model calls all but 2 of those
        28,900 N.
        """
        if before_s is None or self._template is None or len(self._kept.ordered) < RECENT:
            return False
        before, middle = min(before_s, LONGEST_RR_S), _middle(self._recent.ordered)
        on_time = middle / ON_TIME <= before <= middle * ON_TIME and after_s >= middle / ON_TIME
        steady = before >= _long(self._long_term.ordered) / ON_TIME_LONG_TERM
        if not (on_time and steady and _near(self._kept.ordered, before) >= LEAST_NEAR):
            return False
        apart = wave - self._template
        most = max(float(np.maximum.reduce(apart)), -float(np.minimum.reduce(apart)))
        if most > MOST_APART * float(self._height):
            return False
        self._learn(wave, before, template=True)
        return True

    def learn(self, wave: Floats, before_s: float | None, after_s: float, *, template: bool = True) -> None:
        """Remember a beat; with ``template``, also what its wave says about the template if it was due."""
        self._learn(wave, min(before_s or after_s, LONGEST_RR_S), template=template)

    def _learn(self, wave: Floats, before: float, *, template: bool) -> None:
        if self._template is None or (template and self._is_due(before)):
            self._template = self._follow(wave)
            self._height = height_mv(self._template)[0]
        for latest in (self._recent, self._kept, self._long_term):
            latest.add(before)
        self._last = wave

    def _is_due(self, before: float) -> bool:
        middle, long_term = _middle(self._recent.ordered), _long(self._long_term.ordered)
        return before >= max(DUE * middle, DUE_LONG_TERM * long_term)

    def _follow(self, wave: Floats) -> Floats:
        self._seen += 1
        if self._template is None:
            return wave
        step = np.float32(STEP * self._height)
        change = np.minimum(np.maximum(wave - self._template, -step), step)
        followed: Floats = self._template + np.float32(max(FOLLOW, 1 / self._seen)) * change
        return followed

    def _intervals(self, before: float, after: float) -> Floats:
        """Logarithms of ratios of intervals, and how variable they are, scaled to about -1.5 to 1.5."""
        first = [before]  # stands for what came before where nothing did
        kept, ordered = self._kept.in_time() or first, self._kept.ordered or first
        middle = _middle(self._recent.ordered or first)
        long, long_term = _long(ordered), _long(self._long_term.ordered or first)
        changes = [abs(a - b) for a, b in pairwise(kept[-17:])]
        variability = sum(changes) / len(changes) / middle if changes else 0.0
        last, second = kept[-1], kept[-2] if len(kept) > 1 else kept[-1]
        return np.array(
            (
                2 * log(before / middle),
                2 * log(after / middle),
                2 * log(before / long),
                2 * log(before / after),
                2 * log(last / middle),
                2 * log(second / middle),
                1.5 * log(before / 0.8),
                4 * variability - 1,
                2 * log(_middle(ordered) / long),
                2 * log(before / long_term),
                2 * _near(ordered, before) - 1,
                2 * _near(ordered, after) - 1,
                2 * _near(ordered, middle) - 1,
            ),
            np.float32,
        )


class _Latest:
    """The last ``n`` intervals, in time and in order."""

    def __init__(self, n: int) -> None:
        self._n, self._times, self._sorted = n, deque[float](), Ordered()

    @property
    def ordered(self) -> list[float]:
        return self._sorted.values

    def in_time(self) -> list[float]:
        return list(self._times)

    def add(self, interval: float) -> None:
        if len(self._times) == self._n:
            self._sorted.remove(self._times.popleft())
        self._times.append(interval)
        self._sorted.add(interval)


def _near(ordered: list[float], interval: float) -> float:
    """Share of intervals that are about the same as one: small throughout atrial fibrillation."""
    low, high = bisect_left(ordered, (1 - NEAR) * interval), bisect_right(ordered, (1 + NEAR) * interval)
    return (high - low) / len(ordered)


def _long(ordered: list[float]) -> float:
    """Interval that four of five do not exceed."""
    return ordered[int(0.8 * len(ordered))]


def _middle(ordered: list[float]) -> float:
    n = len(ordered)
    return 0.5 * (ordered[n // 2] + ordered[(n - 1) // 2])


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
_POWER_FLOOR = 1e-4  # the power of a hundredth of a wave's height


def similarities(waves: Floats) -> Floats:
    """How similar two waves are to the template, the third one: (k, 3, 80) to (k, 16), in heights of its QRS.

    For each of the two, over QRS, P and T wave: correlations, then logarithms of the ratios of amplitude;
    last how much faster the QRS of each is than that of the template, and how fast it is.
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
    correlation, louder = [], []
    for w in (0, 1):
        for r in range(3):
            shared = cross[w][r] - mean[w][r] * template_mean[r]
            correlation.append(shared / sqrt(max(power[w][r] * template_power[r], 1e-12)))
            louder.append(0.5 * log(max(power[w][r] / template_power[r], 1e-12)))
    speed = [
        0.5 * log(s[3] / (q[3] + _POWER_FLOOR) + _POWER_FLOOR) for s, q in zip(slope, square, strict=True)
    ]
    faster = [2 * (speed[0] - speed[2]), 2 * (speed[1] - speed[2]), speed[0] + 1, speed[1] + 1]
    return [*correlation, *louder, *faster]


def beat_inputs(waves: Floats, intervals: Floats, clip: float) -> Floats:
    """Model inputs of ``k`` beats, from what :class:`BeatInputs` holds of each.

    Parameters
    ----------
    waves : array, shape (k, 3, 80)
        In mV.
    intervals : array, shape (k, 13)
    clip : float
        The INT8 range is spent on what is within.

    Returns
    -------
    array, shape (k, 269)
        The three waves over the height of the template's QRS, sample by sample (all first ones, all second
        ones, and so on), then the figures: intervals and similarities.

    Examples
    --------
    >>> beat_inputs(np.zeros((2, 3, 80), np.float32), np.zeros((2, 13), np.float32), clip=1.5).shape
    (2, 269)
    """
    scaled = waves / height_mv(waves[:, 2:])
    out = np.empty((len(waves), N_INPUTS), np.float32)
    in_turn, figures = out[:, :-N_FIGURES], out[:, -N_FIGURES:]
    in_turn.reshape(-1, N_WAVE, N_WAVES)[...] = scaled.transpose(0, 2, 1)
    figures[:, :N_INTERVALS], figures[:, N_INTERVALS:] = intervals, similarities(scaled)
    np.minimum(out, np.float32(clip), out=out)
    np.maximum(out, np.float32(-clip), out=out)
    return out
