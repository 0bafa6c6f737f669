"""What a beat-class model sees of a beat: its wave, the wearer's usual beat, and the rhythm around it.

One lead tells an ectopic beat only against what is usual for its wearer, so the model is given three waves:
the signal around the beat, around the beat before it, and a running mean of the beats that came when they
were due. Intervals are given as ratios to the usual ones, the likeness of waves as correlations and ratios
of power. Training and live inference both call these functions, so that they cannot drift apart.
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
RECENT = 8  # intervals that the usual one is taken from
KEPT, LONG_TERM = 32, 128  # intervals that tell how regular the rhythm is, and what it was before a run
NEAR = 0.06  # intervals that differ by less than this share are about the same
DUE = 0.88  # a beat that comes earlier than this share of the usual interval is not the usual beat,
DUE_LONG_TERM = 0.65  # nor one that is earlier than this share of the long-term one, as in a run
# A beat is plainly the usual one if it comes within this factor of the usual interval, and the next one no
# earlier; within another one of the long-term interval; if this share of intervals is about the same; and if
# no sample is further from the usual beat than this share of its height.
PLAIN, PLAIN_LONG_TERM, PLAIN_NEAR, PLAIN_UNLIKE = 1.1, 1.2, 0.3, 0.35
FOLLOW = 0.1  # weight of a new beat in the usual one
STEP = 0.25  # share of its height that a sample of the usual beat moves at most, or artefacts would count

QRS, P_WAVE, T_WAVE = (slice(BEFORE + a, BEFORE + b) for a, b in ((-8, 9), (-26, -8), (10, 42)))
BROAD_QRS = slice(BEFORE - 14, BEFORE + 17)
N_WAVES, N_INTERVALS, N_LIKENESSES = 3, 13, 16
N_FIGURES = N_INTERVALS + N_LIKENESSES
N_INPUTS = N_WAVES * N_WAVE + N_FIGURES
_FLOOR = np.array(FLOOR_MV, np.float32)
RATE, LONG_AGO = 6, 9  # places among the intervals: the heart rate; what more than a few beats say


@dataclass(frozen=True, slots=True, eq=False)
class BeatView:
    """A beat as its history shows it.

    ``waves`` (3, 80) are those of the beat, of the beat before it, and the usual one, in mV; ``intervals``
    (13,) are ratios of intervals and how restless they are.
    """

    waves: Floats
    intervals: Floats


class BeatHistory:
    """What is usual for a wearer, beat by beat."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the wearer."""
        self._recent, self._kept, self._long_term = (_Latest(n) for n in (RECENT, KEPT, LONG_TERM))
        self._usual: Floats | None = None
        self._height = np.float32(FLOOR_MV)  # of the usual beat
        self._last: Floats | None = None
        self._seen = 0

    def take(self, wave: Floats, before_s: float | None, after_s: float) -> BeatView:
        """Take the next beat.

        Parameters
        ----------
        wave : array, shape (80,)
            Filtered signal at 100 Hz from 0.36 s before the R peak, in mV.
        before_s, after_s : float
            Intervals to the beats before and after; no beat before the first.
        """
        before, after = min(before_s or after_s, LONGEST_RR_S), min(after_s, LONGEST_RR_S)
        waves = np.empty((N_WAVES, N_WAVE), np.float32)
        waves[0] = wave
        waves[1] = wave if self._last is None else self._last
        waves[2] = wave if self._usual is None else self._usual
        view = BeatView(waves, self._intervals(before, after))
        self._learn(wave, before)
        return view

    def take_if_usual(self, wave: Floats, before_s: float | None, after_s: float) -> bool:
        """Take the next beat if it is so plainly the usual one that no model need be asked.

        It came when it was due, so does the next one, many intervals were like this, and it looks like the
        usual beat. On folds of DS1 that holds for 59 % of the beats, and the model calls all but 2 of those
        28,900 N.
        """
        if before_s is None or self._usual is None or len(self._kept.ordered) < RECENT:
            return False
        before, middle = min(before_s, LONGEST_RR_S), _middle(self._recent.ordered)
        on_time = middle / PLAIN <= before <= middle * PLAIN and after_s >= middle / PLAIN
        steady = before >= _long(self._long_term.ordered) / PLAIN_LONG_TERM
        if not (on_time and steady and _near(self._kept.ordered, before) >= PLAIN_NEAR):
            return False
        unlike = wave - self._usual
        most = max(float(np.maximum.reduce(unlike)), -float(np.minimum.reduce(unlike)))
        if most > PLAIN_UNLIKE * float(self._height):
            return False
        self._learn(wave, before)
        return True

    def _learn(self, wave: Floats, before: float) -> None:
        if self._usual is None or self._is_due(before):
            self._usual = self._follow(wave)
            self._height = height_mv(self._usual)[0]
        for latest in (self._recent, self._kept, self._long_term):
            latest.add(before)
        self._last = wave

    def _is_due(self, before: float) -> bool:
        middle, long_term = _middle(self._recent.ordered), _long(self._long_term.ordered)
        return before >= max(DUE * middle, DUE_LONG_TERM * long_term)

    def _follow(self, wave: Floats) -> Floats:
        self._seen += 1
        if self._usual is None:
            return wave
        step = np.float32(STEP * self._height)
        change = np.minimum(np.maximum(wave - self._usual, -step), step)
        followed: Floats = self._usual + np.float32(max(FOLLOW, 1 / self._seen)) * change
        return followed

    def _intervals(self, before: float, after: float) -> Floats:
        """Logarithms of ratios of intervals, and how restless they are, scaled to about -1.5 to 1.5."""
        first = [before]  # stands for what came before where nothing did
        kept, ordered = self._kept.in_time() or first, self._kept.ordered or first
        middle = _middle(self._recent.ordered or first)
        long, long_term = _long(ordered), _long(self._long_term.ordered or first)
        changes = [abs(a - b) for a, b in pairwise(kept[-17:])]
        restless = sum(changes) / len(changes) / middle if changes else 0.0
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
                4 * restless - 1,
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
_POWER_FLOOR = 1e-4  # of a wave over its height: a hundredth of it


def likenesses(waves: Floats) -> Floats:
    """How alike two waves are to a third, the usual one: (k, 3, 80) to (k, 16), in heights of the usual QRS.

    For each of the two, over QRS, P and T wave: correlations, then logarithms of the ratios of amplitude;
    last how much faster the QRS of each is than the usual one, and how fast it is.
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
    """Likenesses from the means of three waves, their squares, products with the third, and squared slopes.

    In plain floats: so few of them cost more as arrays.
    """
    power = [
        [q - m * m + _POWER_FLOOR for q, m in zip(s, a, strict=True)]
        for s, a in zip(square, mean, strict=True)
    ]
    usual_mean, usual_power = mean[2], power[2]
    alike, louder = [], []
    for w in (0, 1):
        for r in range(3):
            shared = cross[w][r] - mean[w][r] * usual_mean[r]
            alike.append(shared / sqrt(max(power[w][r] * usual_power[r], 1e-12)))
            louder.append(0.5 * log(max(power[w][r] / usual_power[r], 1e-12)))
    speed = [
        0.5 * log(s[3] / (q[3] + _POWER_FLOOR) + _POWER_FLOOR) for s, q in zip(slope, square, strict=True)
    ]
    faster = [2 * (speed[0] - speed[2]), 2 * (speed[1] - speed[2]), speed[0] + 1, speed[1] + 1]
    return [*alike, *louder, *faster]


def beat_inputs(waves: Floats, intervals: Floats, clip: float) -> Floats:
    """Model inputs of ``k`` beats, from what :class:`BeatView` holds of each.

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
        The three waves over the height of the usual QRS, sample by sample (all first ones, all second ones,
        and so on), then the figures: intervals and likenesses.

    Examples
    --------
    >>> beat_inputs(np.zeros((2, 3, 80), np.float32), np.zeros((2, 13), np.float32), clip=1.5).shape
    (2, 269)
    """
    scaled = waves / height_mv(waves[:, 2:])
    out = np.empty((len(waves), N_INPUTS), np.float32)
    in_turn, figures = out[:, :-N_FIGURES], out[:, -N_FIGURES:]
    in_turn.reshape(-1, N_WAVE, N_WAVES)[...] = scaled.transpose(0, 2, 1)
    figures[:, :N_INTERVALS], figures[:, N_INTERVALS:] = intervals, likenesses(scaled)
    np.minimum(out, np.float32(clip), out=out)
    np.maximum(out, np.float32(-clip), out=out)
    return out
