"""What the noise gate looks at: numbers without a unit that noise moves and an irregular heart does not.

An irregular rhythm alone is no noise: intervals stand beside how sure the beats are, how much each beat
resembles another one of the window (a premature beat resembles the other premature ones), and what lies
between the beats. Intervals after HRV-based noise detection (arXiv 2502.14522).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Signal = npt.NDArray[np.floating]
Array = npt.NDArray[np.float64]

NAMES = (
    "sure", "unsure", "qrs_alike", "least_alike", "beats_alike", "between_beats", "fast_between",
    "log_kurtosis", "share_low", "share_qrs", "share_high", "burst", "dropout", "wander",
    "height_spread", "cvnn", "cvsd", "rr_min_s", "rr_max_s", "beats_per_s",
)  # fmt: skip

QRS_S = (-0.1, 0.15)
BEAT_S = (-0.22, 0.4)  # P to T, about
PIECES = 10
_TINY = 1e-9


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
    seconds = len(x) / fs
    sure = beats.confidence if len(beats.confidence) else np.zeros(1)
    return np.array([
        sure.mean(), np.mean(sure < 0.8),
        *_alike(x, beats.at, fs),
        *_between(x, beats.at, fs),
        *_spectrum(x, fs),
        *_unevenness(x, fs),
        *_intervals(beats.at / fs),
        len(beats.at) / seconds,
    ])  # fmt: skip


def _cut(x: Signal, at: Array, fs: float, span_s: tuple[float, float]) -> Signal:
    """The signal around each beat that lies wholly inside, shape (beats, samples)."""
    span = np.arange(round(span_s[0] * fs), round(span_s[1] * fs))
    r = np.round(at).astype(np.int64)
    r = r[(r + span[0] >= 0) & (r + span[-1] < len(x))]
    cut: Signal = x[r[:, None] + span]
    return cut


def _alike(x: Signal, at: Array, fs: float) -> tuple[float, float, float]:
    """Correlation of beats with those they resemble most: QRS (median, worst but one), whole beats."""
    qrs = _best_match(_cut(x, at, fs, QRS_S))
    whole = _best_match(_cut(x, at, fs, BEAT_S))
    if len(qrs) < 3:
        return 0.0, 0.0, 0.0
    return float(np.median(qrs)), float(np.sort(qrs)[1]), float(np.median(whole)) if len(whole) else 0.0


def _best_match(beats: Signal) -> Array:
    if len(beats) < 2:
        return np.zeros(len(beats))
    b = beats - beats.mean(axis=1, keepdims=True)
    b /= np.sqrt(np.einsum("ij,ij->i", b, b))[:, None] + _TINY
    correlation = b @ b.T
    np.fill_diagonal(correlation, -1.0)
    best: Array = correlation.max(axis=1)
    return best


def _between(x: Signal, at: Array, fs: float) -> tuple[float, float]:
    """What is left outside of the QRS, and how fast it moves, over the usual height of a QRS."""
    qrs = _cut(x, at, fs, QRS_S)
    if len(qrs) < 3:
        return 1.0, 1.0
    height = max(float(np.median(qrs.max(axis=1) - qrs.min(axis=1))), _TINY)
    outside = np.ones(len(x), bool)
    span = np.arange(round(QRS_S[0] * fs), round(QRS_S[1] * fs))
    outside[np.clip(np.round(at).astype(np.int64)[:, None] + span, 0, len(x) - 1).ravel()] = False
    if outside.sum() < fs / 2:
        return 1.0, 1.0
    bend = np.diff(x, 2, append=0.0, prepend=0.0)[: len(x)][outside]
    rest = x[outside]
    return float(np.sqrt(np.mean(rest**2))) / height, float(np.sqrt(np.mean(bend**2))) / height


def _spectrum(x: Signal, fs: float) -> tuple[float, float, float, float]:
    """Logarithm of the kurtosis, and shares of the power below 3, from 5 to 15 and above 20 Hz."""
    centred = x - x.mean()
    variance = float(np.mean(centred**2)) + _TINY**2
    kurtosis = float(np.mean(centred**4)) / variance**2
    power = np.abs(np.fft.rfft(centred)) ** 2
    total = float(power.sum()) + _TINY
    at = [round(hz * len(x) / fs) for hz in (3, 5, 15, 20)]
    low, qrs, high = power[: at[0]].sum(), power[at[1] : at[2]].sum(), power[at[3] :].sum()
    return float(np.log(max(kurtosis, 1.0))), float(low) / total, float(qrs) / total, float(high) / total


def _unevenness(x: Signal, fs: float) -> tuple[float, float, float, float]:
    """Range of the liveliest and of the dullest piece over the usual one, wander, spread of the ranges."""
    pieces = x[: len(x) // PIECES * PIECES].reshape(PIECES, -1)
    ranges = np.sort(pieces.max(axis=1) - pieces.min(axis=1)) + 1e-6
    middle = float(ranges[PIECES // 2])
    levels = np.sort(pieces, axis=1)[:, pieces.shape[1] // 2]
    spread = float(ranges[-3] - ranges[2]) / middle
    return (
        float(np.log(ranges[-1] / middle)),
        float(np.log(middle / ranges[0])),
        float(levels.std()) / middle,
        spread,
    )


def _intervals(beats_s: Array) -> tuple[float, float, float, float]:
    """SD and RMS of the differences over the mean, shortest, longest; zeros from fewer than two."""
    rr = np.diff(beats_s)
    if len(rr) < 2:
        return 0.0, 0.0, 0.0, 0.0
    mean, step = float(rr.mean()), np.diff(rr)
    rmssd = float(np.sqrt(np.mean(step**2)))
    return float(rr.std(ddof=1)) / mean, rmssd / mean, float(rr.min()), float(rr.max())
