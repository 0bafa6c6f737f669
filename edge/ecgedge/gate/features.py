"""What the noise gate looks at: numbers without a unit that noise moves and an irregular heart does not.

An irregular rhythm alone is no noise: intervals stand beside how sure the beats are, how much each beat
resembles another one of the window (a premature beat resembles the other premature ones), and what lies
between the beats. Intervals after HRV-based noise detection (arXiv 2502.14522). The last five features came
first in a forward search among forty more (five folds by record of CinC 2017).

Sums have a written order, in double precision but for the correlations, so that a window has the same
features everywhere; ``edge/core/gate.c`` computes the same ones in C.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.arithmetic.core import core
from ecgedge.arithmetic.functions import log
from ecgedge.arithmetic.sums import in_order
from ecgedge.gate.spectrum import powers

Signal = npt.NDArray[np.floating]
Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

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


class Beats(NamedTuple):
    """R peaks of a window as positions in it, and how sure each is; both of shape (k,)."""

    at: Array
    confidence: Array


def gate_features(x: Signal, beats: Beats, fs: float) -> Array:
    """Compute the features of a window, in the order of :data:`NAMES`.

    Parameters
    ----------
    x : array, shape (n,)
        Filtered signal in mV, a second or more; taken as float32.
    beats : Beats
        What the detector found there.
    fs : float
        Rate of ``x`` in Hz.

    Raises
    ------
    ValueError
        A beat lies outside of the window.

    Examples
    --------
    >>> import numpy as np
    >>> f = gate_features(np.sin(np.arange(1000.0)), Beats(np.empty(0), np.empty(0)), fs=100)
    >>> f.shape == (len(NAMES),) and bool(np.isfinite(f).all())
    True
    """
    if core is None:
        return in_numpy(x, beats, fs)
    found: Array = np.frombuffer(_compiled(fs).features(*as_arrays(x, beats)))
    return found


def as_arrays(x: Signal, beats: Beats) -> tuple[Floats, Array, Array]:
    """The arguments as the compiled core takes them."""
    at, confidence = (np.ascontiguousarray(values, np.float64) for values in (beats.at, beats.confidence))
    return np.ascontiguousarray(x, np.float32), at, confidence


@lru_cache(maxsize=4)
def _compiled(fs: float) -> Any:
    """The compiled features of a rate; weights play no part in them."""
    assert core is not None
    return core.Gate(fs, np.zeros(4 * len(NAMES) + 6))


def in_numpy(x: Signal, beats: Beats, fs: float) -> Array:
    """:func:`gate_features` in numpy: what the compiled core is tested against."""
    x, at, confidence = as_arrays(x, beats)
    if len(at) and not (at.min() >= 0 and at.max() <= len(x)):
        raise ValueError("a beat lies outside of its window")
    r = np.round(at).astype(np.int64)
    qrs_span, beat_span = (np.arange(round(a * fs), round(b * fs)) for a, b in (QRS_S, BEAT_S))
    whole = _inside(x, r, qrs_span)
    qrs, beat = x[r[whole, None] + qrs_span], x[r[_inside(x, r, beat_span), None] + beat_span]
    best, between = _best_match(qrs), _between(x, r, qrs, qrs_span, fs)
    return np.array([
        *_sureness(confidence),
        *_similarity(best, beat),
        *between[:2],
        *_spectrum(x, fs),
        *_unevenness(x),
        *_intervals((at[1:] - at[:-1]) / fs),
        len(r) * fs / len(x),
        *_odd(qrs, best, confidence[whole], len(x) / fs),
        *between[2:],
    ])  # fmt: skip


def _sureness(confidence: Array) -> tuple[float, float]:
    """Mean confidence, and share of beats that are not sure."""
    n = len(confidence)
    return (in_order(confidence) / n, np.count_nonzero(confidence < SURE) / n) if n else (0.0, 1.0)


def _inside(x: Signal, r: Places, span: Places) -> npt.NDArray[np.bool_]:
    """Which beats lie wholly inside, shape (beats,)."""
    inside: npt.NDArray[np.bool_] = (r >= -span[0]) & (r < len(x) - span[-1])
    return inside


def _similarity(best: Array, whole: Floats) -> tuple[float, ...]:
    """Correlation of beats with those they resemble most: QRS (median, worst but one), whole beats."""
    if len(best) < 3:
        return 0.0, 0.0, 0.0
    ordered = np.sort(best)
    alike = _middle(_best_match(whole)) if len(whole) else 0.0
    return float(ordered[len(ordered) // 2]), float(ordered[1]), alike


def _odd(qrs: Floats, best: Array, confidence: Array, seconds: float) -> tuple[float, float]:
    """Odd or unsure beats a second, and the logarithm of the tallest beats' height over the typical one."""
    if len(qrs) < 3:
        return 1.0, 1.0
    heights = _heights(qrs)
    ordered = np.sort(heights)
    typical = max(float(ordered[len(ordered) // 2]), _TINY)
    alike = (best > ALIKE) & (heights < SIZES_APART * typical) & (SIZES_APART * heights > typical)
    odd = int(np.count_nonzero(~(alike & (confidence > SURE))))
    # The ninth tenth, the tallest among fewer than twenty.
    return odd / seconds, log(float(ordered[-max(1, len(ordered) // 10)]) / typical + _TINY)


def _heights(qrs: Floats) -> Array:
    heights: Array = (qrs.max(axis=1) - qrs.min(axis=1)).astype(np.float64)
    return heights


def _best_match(beats: Floats) -> Array:
    """Highest correlation of each beat with another one."""
    if len(beats) < 2:
        return np.zeros(len(beats))
    b = beats - (in_order(beats) / np.float32(beats.shape[1]))[:, None]
    b /= (np.sqrt(in_order(b * b)) + np.float32(_TINY))[:, None]
    correlation = np.zeros((len(b), len(b)), np.float32)
    for column in b.T:
        correlation += column[:, None] * column
    np.fill_diagonal(correlation, -1.0)
    best: Array = correlation.max(axis=1).astype(np.float64)
    return best


def _between(x: Floats, r: Places, qrs: Floats, span: Places, fs: float) -> tuple[float, ...]:
    """What is left outside of the QRS, over a typical QRS: power, how fast, how steep, how often as tall, and
    how fast in most seconds.
    """
    if len(qrs) < 3:
        return _NOTHING_BETWEEN
    height = max(_middle(_heights(qrs)), _TINY)
    outside = np.ones(len(x), bool)
    places = (r[:, None] + span).ravel()
    outside[places[(places >= 0) & (places < len(x))]] = False
    # Where the signal bends, at its inner samples.
    bend, there = x[2:] - 2 * x[1:-1] + x[:-2], outside[1:-1]
    if np.count_nonzero(there) < fs / 2:
        return _NOTHING_BETWEEN
    between, half = x[outside], np.float32(_middle(np.abs(x[r.clip(0, len(x) - 1)])) / 2)
    typical = _typical_bend(np.where(there, bend, np.float32(0.0)), there, round(PIECE_S * fs))
    return (
        _rms(between) / height,
        _rms(bend[there]) / height,
        _steepness(x, outside, qrs),
        np.count_nonzero(np.abs(between) > half) / len(between),
        log(typical / height + 0.001),
    )


_NOTHING_BETWEEN = 1.0, 1.0, 0.0, 1.0, 0.0


def _steepness(x: Floats, outside: npt.NDArray[np.bool_], qrs: Floats) -> float:
    """Logarithm of the steepest hundredth outside of the QRS over the steepest sample of a typical one."""
    slope = np.sort(np.abs(np.diff(x))[outside[1:]])
    of_qrs = max(_middle(np.abs(np.diff(qrs, axis=1)).max(axis=1)), _TINY)
    # A hundredth keeps a line without any noise from minus infinity.
    return log(float(slope[int(0.99 * len(slope))]) / of_qrs + 0.01)


def _typical_bend(bend: Floats, there: npt.NDArray[np.bool_], size: int) -> float:
    """Median over the seconds of how fast the signal moves between beats."""
    n = len(bend) // size * size
    square = in_order(_squares(bend[:n]).reshape(-1, size))
    number = np.count_nonzero(there[:n].reshape(-1, size), axis=1)
    known = number >= FEWEST
    return math.sqrt(_middle(square[known] / number[known])) if known.any() else _rms(bend)


def _spectrum(x: Floats, fs: float) -> tuple[float, ...]:
    """Logarithm of the kurtosis, and shares of the power below 3, from 5 to 15 and above 20 Hz."""
    n, signal = len(x), x.astype(np.float64)
    centred = signal - float(in_order(signal)) / n
    square = centred * centred
    variance = float(in_order(square)) / n + _TINY * _TINY
    kurtosis = float(in_order(square * square)) / n / (variance * variance)
    first, second, third, last = (min(round(hz * n / fs), n // 2 + 1) for hz in (3, 5, 15, 20))
    power = powers(centred, last)
    # Parseval's theorem: what is not below 20 Hz lies above it.
    total = 0.5 * (n * float(in_order(square)) + _ends(centred))
    high = max(total - float(in_order(power)), 0.0)
    total += _TINY
    low, qrs = float(in_order(power[:first])), float(in_order(power[second:third]))
    return log(max(kurtosis, 1.0)), low / total, qrs / total, high / total


def _ends(centred: Array) -> float:
    """Power of the first and the last bin, which have no twin."""
    first = float(in_order(centred))
    turned = centred.copy()
    turned[1::2] = -turned[1::2]
    last = 0.0 if len(centred) % 2 else float(in_order(turned))
    return first * first + last * last


def _unevenness(x: Floats) -> tuple[float, ...]:
    """Range of the liveliest and of the dullest piece over the typical one, wander, spread of the ranges."""
    pieces = np.sort(x[: len(x) // PIECES * PIECES].reshape(PIECES, -1), axis=1)
    ranges = np.sort((pieces[:, -1] - pieces[:, 0]).astype(np.float64) + 1e-6).tolist()
    middle = ranges[PIECES // 2]
    levels = pieces[:, pieces.shape[1] // 2].astype(np.float64)
    away = levels - in_order(levels) / PIECES
    wander = math.sqrt(in_order(away * away) / PIECES) / middle
    return log(ranges[-1] / middle), log(middle / ranges[0]), wander, (ranges[-3] - ranges[2]) / middle


def _intervals(rr_s: Array) -> tuple[float, ...]:
    """SD and RMS of the differences over the mean, shortest, longest; zeros from fewer than two."""
    n = len(rr_s)
    if n < 2:
        return 0.0, 0.0, 0.0, 0.0
    mean = float(in_order(rr_s)) / n
    away, steps = rr_s - mean, rr_s[1:] - rr_s[:-1]
    sd, rmssd = (math.sqrt(float(in_order(d * d)) / (n - 1)) for d in (away, steps))
    return sd / mean, rmssd / mean, float(rr_s.min()), float(rr_s.max())


def _middle(x: Signal) -> float:
    """The upper median: partitioning or np.median cost more than sorting so few."""
    return float(np.sort(x)[len(x) // 2])


def _squares(x: Floats) -> Array:
    wide = x.astype(np.float64)
    return wide * wide


def _rms(x: Floats) -> float:
    return math.sqrt(float(in_order(_squares(x))) / len(x))
