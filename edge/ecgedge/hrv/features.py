"""Features of the intervals between beats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class RrFeatures:
    """Time-domain features of successive RR intervals (definitions: Task Force, Circulation 93(5), 1996).

    Times in ms, ratios without unit; everything is 0.0 where there are fewer than two intervals.
    """

    n_beats: int
    mean_ms: float
    sdnn_ms: float
    rmssd_ms: float
    pnn50: float
    median_ms: float
    mad_ms: float
    min_ms: float
    max_ms: float

    @property
    def cvnn(self) -> float:
        """SDNN over the mean."""
        return self.sdnn_ms / self.mean_ms if self.mean_ms else 0.0

    @property
    def cvsd(self) -> float:
        """RMSSD over the mean."""
        return self.rmssd_ms / self.mean_ms if self.mean_ms else 0.0


def rr_features(beats_s: npt.ArrayLike) -> RrFeatures:
    """Compute features from R-peak times in seconds, shape (n,), ascending.

    Examples
    --------
    >>> f = rr_features([0.0, 0.8, 1.6, 2.5])
    >>> f.n_beats, round(f.mean_ms), round(f.rmssd_ms)
    (4, 833, 71)
    """
    beats = np.asarray(beats_s, np.float64)
    rr = 1e3 * np.diff(beats)
    if len(rr) < 2:
        return RrFeatures(len(beats), *[0.0] * 8)
    step = np.diff(rr)
    median = float(np.median(rr))
    return RrFeatures(
        n_beats=len(beats),
        mean_ms=float(rr.mean()),
        sdnn_ms=float(rr.std(ddof=1)),
        rmssd_ms=float(np.sqrt(np.mean(step**2))),
        pnn50=float(np.mean(np.abs(step) > 50.0)),
        median_ms=median,
        mad_ms=float(np.median(np.abs(rr - median))),
        min_ms=float(rr.min()),
        max_ms=float(rr.max()),
    )


def heart_rate_bpm(beats_s: npt.ArrayLike) -> float | None:
    """Beats per minute from the median RR interval; None where there are fewer than two beats."""
    rr = np.diff(np.asarray(beats_s, np.float64))
    return float(60.0 / np.median(rr)) if len(rr) else None
