"""What the noise gate looks at: numbers without a unit that noise moves and an irregular heart does not.

An irregular rhythm alone is no noise: intervals stand beside how sure the beats are, how much each beat
resembles another one of the window (a premature beat resembles the other premature ones), and what lies
between the beats. Intervals after HRV-based noise detection (arXiv 2502.14522).
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
)  # fmt: skip

QRS_S = (-0.1, 0.15)  # around the R peak: also a broad complex is inside
BEAT_S = (-0.22, 0.4)  # P to T, about
SURE = 0.8  # confidence of a beat that is beyond doubt
PIECES = 10  # of a window, to compare its parts: a second each in ten
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
    qrs = _cut(x, r, qrs_span)
    return np.array([
        sum(sure) / len(sure), sum(c < SURE for c in sure) / len(sure),
        *_similarity(qrs, _cut(x, r, beat_span)),
        *_between(x, r, qrs, qrs_span, fs),
        *_spectrum(x, fs),
        *_unevenness(x),
        *_intervals((np.diff(beats.at) / fs).tolist()),
        len(r) * fs / len(x),
    ])  # fmt: skip


def _cut(x: Signal, r: Places, span: Places) -> Signal:
    """The signal around each beat that lies wholly inside, shape (beats, samples)."""
    inside = (r >= -span[0]) & (r < len(x) - span[-1])
    cut: Signal = x[r[inside, None] + span]
    return cut


def _similarity(qrs: Signal, whole: Signal) -> tuple[float, ...]:
    """Correlation of beats with those they resemble most: QRS (median, worst but one), whole beats."""
    if len(qrs) < 3:
        return 0.0, 0.0, 0.0
    best = np.sort(_best_match(qrs))
    return float(best[len(best) // 2]), float(best[1]), _middle(_best_match(whole)) if len(whole) else 0.0


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
    """What is left outside of the QRS, and how fast it moves, over the typical height of a QRS."""
    if len(qrs) < 3:
        return 1.0, 1.0
    height = max(_middle(qrs.max(axis=1) - qrs.min(axis=1)), _TINY)
    outside = np.ones(len(x), bool)
    places = (r[:, None] + span).ravel()
    outside[places[(places >= 0) & (places < len(x))]] = False
    # Where the signal bends, at its inner samples.
    bend = (x[2:] - 2 * x[1:-1] + x[:-2])[outside[1:-1]]
    if len(bend) < fs / 2:
        return 1.0, 1.0
    between = x[outside]
    return _rms(between) / height, _rms(bend) / height


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
