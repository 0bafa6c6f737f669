"""Rate and rhythm apart: how fast the heart beats, and whether it is the sinus node that beats so.

The rhythm model learned from CinC 2017, where sinus rhythm below 50 or from 100 a minute counts as "other".
So it calls a runner's slow sinus rhythm "another rhythm" with 97 %. What a wearer wants to know is two
things: the rate, and whether the rhythm is sinus rhythm all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from ecgedge.arithmetic.sums import in_order
from ecgedge.rhythm.spread import spread
from ecgedge.stream.amplitude import FLOOR_MV
from ecgedge.stream.segment import DetectedBeat

RateWord = Literal["bradycardia", "tachycardia"]

# Samples of a wave at 100 Hz around its R peak, and where in it the P wave and the QRS lie.
BEFORE, AFTER = 36, 44
P_WAVE, QRS = slice(BEFORE - 26, BEFORE - 8), slice(BEFORE - 8, BEFORE + 9)
# The usual limits, 50 (ESC 2021; 60 in older books, which calls a third of healthy sleepers ill) and 100.
SLOW_BPM, FAST_BPM = 50.0, 100.0
NEAR_LIMITS = (
    0.05  # windows of one recording lie on both sides of a limit: they are looked at this far inside
)
MOST_OTHER = 0.04  # share of beats of another class: one in half a minute
LEAST_BEATS = 5  # of a window that are looked at, or its mean wave is no mean
# Chosen on PTB-XL, lead I, folds 1 to 8, among recordings that the model calls O with a rate outside of 50 to
# 100: 64 of 82 sinus rhythms (labels SBRAD, STACH, SR, SARRH) are found, and 2 of 24 others are taken for one
# (AFIB with a first-degree AV block label; sinus tachycardia with a PVC outside of lead I). Fold 9: 10 of 15,
# and 0 of 7.
MOST_SPREAD = 0.15  # middle 80 % of the intervals, over their median
LEAST_ALIKE = 0.6  # median correlation of P waves with their mean
LEAST_HEIGHT = 0.03  # of the mean P wave above its base line, in QRS heights
# Below this many seconds before the R peak lies the T wave of the beat before, at most this share of the
# interval: at 150 a minute 0.17 s are left.
_SHARE = 0.42
_LEAST_P = 11  # samples: from 140 a minute on, P lies on T


def rate_word(bpm: float | None) -> RateWord | None:
    """Name a rate outside of 50 to 100 a minute.

    Examples
    --------
    >>> rate_word(48.0), rate_word(60.0), rate_word(100.0), rate_word(None)
    ('bradycardia', None, 'tachycardia', None)
    """
    if bpm is None or SLOW_BPM <= bpm < FAST_BPM:
        return None
    return "bradycardia" if bpm < SLOW_BPM else "tachycardia"


def may_be_sinus(bpm: float | None) -> bool:
    """Whether a rate is so low or high, or nearly so, that the model calls sinus rhythm at it O."""
    if bpm is None:
        return False
    return bpm < SLOW_BPM * (1 + NEAR_LIMITS) or bpm >= FAST_BPM * (1 - NEAR_LIMITS)


def looks_sinus(
    signal: npt.NDArray[np.floating], fs: float, beats: Sequence[DetectedBeat], start: int
) -> bool | None:
    """Whether a window shows sinus rhythm: regular, its beats of class N, each behind the same P wave.

    None where P waves would lie on T waves, from 140 a minute on.

    Parameters
    ----------
    signal : array, shape (n,)
        Filtered signal at 100 Hz, which begins at position ``start`` of the segment.
    fs : float
        Its rate.
    beats : sequence of DetectedBeat
        Those in it. The last one may have no class yet.
    start : int
        Position of the first sample.
    """
    named = [beat.role for beat in beats if beat.role is not None]
    others = sum(role != "normal" for role in named)
    if len(beats) < LEAST_BEATS or not named or others > MOST_OTHER * len(named):
        return False
    rr = spread([beat.position / fs for beat in beats])
    if rr.width > MOST_SPREAD * rr.middle:
        return False
    window = slice(max(P_WAVE.start, BEFORE - int(_SHARE * rr.middle * fs)), P_WAVE.stop + 1)
    if window.stop - window.start < _LEAST_P:
        return None
    places = [round(beat.position) - start for beat in beats]
    waves = [signal[at - BEFORE : at + AFTER] for at in places if at >= BEFORE and at + AFTER <= len(signal)]
    return len(waves) >= LEAST_BEATS - 2 and _has_p(np.array(waves, np.float64), window)


def _has_p(waves: npt.NDArray[np.float64], window: slice) -> bool:
    """Whether waves of shape (k, 80) have a P wave in common in a window."""
    mean = np.median(waves, axis=0)
    height = max(float(np.ptp(mean[QRS])), FLOOR_MV)
    p, common = waves[:, window], mean[window]
    each, shape = p - in_order(p)[:, None] / p.shape[1], common - in_order(common) / len(common)
    norms = np.sqrt(in_order(each * each)) * np.sqrt(in_order(shape * shape))
    alike = float(np.median(in_order(each * shape) / np.maximum(norms, 1e-9)))
    base = np.linspace(common[0], common[-1], len(common))
    return alike >= LEAST_ALIKE and float(np.max(common - base)) >= LEAST_HEIGHT * height
