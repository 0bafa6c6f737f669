"""What the noise gate looks at: numbers without a unit that noise moves and an irregular heart does not.

An irregular rhythm alone is no noise: intervals stand beside how sure the beats are, how much each beat
resembles another one of the window (a premature beat resembles the other premature ones), and what lies
between the beats. Intervals after HRV-based noise detection (arXiv 2502.14522). The last five features came
first in a forward search among forty more (five folds by record of CinC 2017).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Signal = npt.NDArray[np.floating]
Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

NAMES = (
    "sure", "unsure", "qrs_alike", "least_alike", "beats_alike", "between_beats", "fast_between",
    "log_kurtosis", "share_low", "share_qrs", "share_high", "burst", "dropout", "wander",
    "height_spread", "cvnn", "cvsd", "rr_min_s", "rr_max_s", "beats_per_s",
    "odd_beats", "tallest_beat", "steep_between", "tall_between", "quiet_between",
)  # fmt: skip

QRS_S = (-0.1, 0.15)  # around the R peak: also a broad complex is inside
BEAT_S = (-0.22, 0.4)  # P to T, about
SURE = 0.8  # confidence of a beat that is beyond doubt
# A beat is odd that correlates with no other of the window by this much, or is higher or lower than the
# typical one by this factor, as hardly an ectopic beat is.
ALIKE, SIZES_APART = 0.9, 2.0
PIECES = 10  # of a window, to compare its parts: a second each in ten
PIECE_S = 1.0
FEWEST = 20  # samples between beats, below which a second says nothing: at 180 a minute there are 25
_TINY = 1e-9  # keeps a flat line from dividing by zero


@dataclass(frozen=True, slots=True)
class Beats:
    """R peaks of a window as positions in it, and how sure each is; both of shape (k,)."""

    at: Array
    confidence: Array


def gate_features(x: Signal, beats: Beats, fs: float) -> Array:
    """Compute the features of a window, in the order of :data:`NAMES`.

    Parameters
    ----------
    x : array, shape (n,)
        Filtered signal in mV, a second or more.
    beats : Beats
        What the detector found there.
    fs : float
        Rate of ``x`` in Hz.

    Examples
    --------
    >>> import numpy as np
    >>> f = gate_features(np.sin(np.arange(1000.0)), Beats(np.empty(0), np.empty(0)), fs=100)
    >>> f.shape == (len(NAMES),) and bool(np.isfinite(f).all())
    True
    """
    sure = beats.confidence.tolist() or [0.0]
    r = np.round(beats.at).astype(np.int64)
    qrs_span, beat_span = (np.arange(round(a * fs), round(b * fs)) for a, b in (QRS_S, BEAT_S))
    whole = _inside(x, r, qrs_span)
    qrs, beat = x[r[whole, None] + qrs_span], x[r[_inside(x, r, beat_span), None] + beat_span]
    best, between = _best_match(qrs), _between(x, r, qrs, qrs_span, fs)
    return np.array([
        sum(sure) / len(sure), sum(c < SURE for c in sure) / len(sure),
        *_similarity(best, beat),
        *between[:2],
        *_spectrum(x, fs),
        *_unevenness(x),
        *_intervals((np.diff(beats.at) / fs).tolist()),
        len(r) * fs / len(x),
        *_odd(qrs, best, beats.confidence[whole], len(x) / fs),
        *between[2:],
    ])  # fmt: skip


def _inside(x: Signal, r: Places, span: Places) -> npt.NDArray[np.bool_]:
    """Which beats lie wholly inside, shape (beats,)."""
    inside: npt.NDArray[np.bool_] = (r >= -span[0]) & (r < len(x) - span[-1])
    return inside


def _similarity(best: Array, whole: Signal) -> tuple[float, ...]:
    """Correlation of beats with those they resemble most: QRS (median, worst but one), whole beats."""
    if len(best) < 3:
        return 0.0, 0.0, 0.0
    ordered = np.sort(best)
    alike = _middle(_best_match(whole)) if len(whole) else 0.0
    return float(ordered[len(ordered) // 2]), float(ordered[1]), alike


def _odd(qrs: Signal, best: Array, confidence: Array, seconds: float) -> tuple[float, float]:
    """Odd or unsure beats a second, and the logarithm of the tallest beats' height over the typical one."""
    if len(qrs) < 3:
        return 1.0, 1.0
    heights = qrs.max(axis=1) - qrs.min(axis=1)
    ordered = np.sort(heights)
    typical = max(float(ordered[len(ordered) // 2]), _TINY)
    alike = (best > ALIKE) & (heights < SIZES_APART * typical) & (SIZES_APART * heights > typical)
    odd = int(np.count_nonzero(~(alike & (confidence > SURE))))
    # The ninth tenth, the tallest among fewer than twenty.
    return odd / seconds, math.log(ordered[-max(1, len(ordered) // 10)] / typical + _TINY)


def _best_match(beats: Signal) -> Array:
    if len(beats) < 2:
        return np.zeros(len(beats))
    b = beats - beats.mean(axis=1, keepdims=True)
    b /= np.sqrt(np.einsum("ij,ij->i", b, b))[:, None] + _TINY
    correlation = b @ b.T
    np.fill_diagonal(correlation, -1.0)
    best: Array = correlation.max(axis=1)
    return best


def _between(x: Signal, r: Places, qrs: Signal, span: Places, fs: float) -> tuple[float, ...]:
    """What is left outside of the QRS, over a typical QRS: power, how fast, how steep, how often as tall, and
    how fast in most seconds.
    """
    if len(qrs) < 3:
        return _NOTHING_BETWEEN
    height = max(_middle(qrs.max(axis=1) - qrs.min(axis=1)), _TINY)
    outside = np.ones(len(x), bool)
    places = (r[:, None] + span).ravel()
    outside[places[(places >= 0) & (places < len(x))]] = False
    # Where the signal bends, at its inner samples.
    bend, there = x[2:] - 2 * x[1:-1] + x[:-2], outside[1:-1]
    if np.count_nonzero(there) < fs / 2:
        return _NOTHING_BETWEEN
    between = x[outside]
    return (
        _rms(between) / height,
        _rms(bend[there]) / height,
        _steepness(x, outside, qrs),
        float(np.mean(np.abs(between) > _middle(np.abs(x[r.clip(0, len(x) - 1)])) / 2)),
        math.log(_typical_bend(np.where(there, bend, 0.0), there, round(PIECE_S * fs)) / height + 0.001),
    )


_NOTHING_BETWEEN = 1.0, 1.0, 0.0, 1.0, 0.0


def _steepness(x: Signal, outside: npt.NDArray[np.bool_], qrs: Signal) -> float:
    """Logarithm of the steepest hundredth outside of the QRS over the steepest sample of a typical one."""
    slope = np.sort(np.abs(np.diff(x))[outside[1:]])
    of_qrs = max(_middle(np.abs(np.diff(qrs, axis=1)).max(axis=1)), _TINY)
    # A hundredth keeps a line without any noise from minus infinity.
    return math.log(float(slope[int(0.99 * len(slope))]) / of_qrs + 0.01)


def _typical_bend(bend: Signal, there: npt.NDArray[np.bool_], size: int) -> float:
    """Median over the seconds of how fast the signal moves between beats."""
    n = len(bend) // size * size
    square = (bend[:n] * bend[:n]).reshape(-1, size).sum(axis=1)
    number = there[:n].reshape(-1, size).sum(axis=1)
    known = number >= FEWEST
    return math.sqrt(_middle(square[known] / number[known])) if known.any() else float(_rms(bend))


def _spectrum(x: Signal, fs: float) -> tuple[float, ...]:
    """Logarithm of the kurtosis, and shares of the power below 3, from 5 to 15 and above 20 Hz."""
    centred = x - x.mean()
    square = centred * centred
    variance = float(square.mean()) + _TINY**2
    kurtosis = float(square @ square) / len(x) / variance**2
    spectrum = np.fft.rfft(centred)
    power = spectrum.real**2 + spectrum.imag**2
    total = float(power.sum()) + _TINY
    at = [round(hz * len(x) / fs) for hz in (3, 5, 15, 20)]
    low, qrs, high = power[: at[0]].sum(), power[at[1] : at[2]].sum(), power[at[3] :].sum()
    return math.log(max(kurtosis, 1.0)), float(low) / total, float(qrs) / total, float(high) / total


def _unevenness(x: Signal) -> tuple[float, ...]:
    """Range of the liveliest and of the dullest piece over the typical one, wander, spread of the ranges."""
    pieces = np.sort(x[: len(x) // PIECES * PIECES].reshape(PIECES, -1), axis=1)
    ranges = np.sort(pieces[:, -1] - pieces[:, 0]) + 1e-6
    middle = float(ranges[PIECES // 2])
    levels = pieces[:, pieces.shape[1] // 2]
    spread = float(ranges[-3] - ranges[2]) / middle
    return math.log(ranges[-1] / middle), math.log(middle / ranges[0]), float(levels.std()) / middle, spread


def _intervals(rr_s: list[float]) -> tuple[float, ...]:
    """SD and RMS of the differences over the mean, shortest, longest; zeros from fewer than two."""
    n = len(rr_s)
    if n < 2:
        return 0.0, 0.0, 0.0, 0.0
    mean = sum(rr_s) / n
    sd = math.sqrt(sum((rr - mean) ** 2 for rr in rr_s) / (n - 1))
    rmssd = math.sqrt(sum((b - a) ** 2 for a, b in pairwise(rr_s)) / (n - 1))
    return sd / mean, rmssd / mean, min(rr_s), max(rr_s)


def _middle(x: Signal) -> float:
    """The upper median: partitioning or np.median cost more than sorting so few."""
    return float(np.sort(x)[len(x) // 2])


def _rms(x: Signal) -> float:
    return math.sqrt(float(x @ x) / len(x))
