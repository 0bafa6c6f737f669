"""Figures of heart rate variability of a window, as noise was found by them alone (arXiv 2502.14522)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

HRV_NAMES = (
    "intervals", "mean", "sd", "rmssd", "sdsd", "sd / mean", "rmssd / mean", "median", "mad", "iqr",
    "pnn50", "pnn20", "shortest", "longest", "sd1", "sd2",
)  # fmt: skip
LEAST_RR = 4  # intervals below which a window is refused without looking at them


def hrv_figures(rr_s: Array) -> Array:
    """Figures of a window's intervals in seconds, in the order of :data:`HRV_NAMES`; zeros from too few.

    Nothing is cleaned: a missed or a made-up beat is what noise is found by.

    Examples
    --------
    >>> found = dict(zip(HRV_NAMES, hrv_figures(np.array([0.8, 0.9, 0.8, 0.9, 0.8])), strict=True))
    >>> [round(float(found[name]), 3) for name in ("rmssd", "pnn50", "intervals")]
    [0.1, 1.0, 5.0]
    >>> hrv_figures(np.array([0.8, 0.9])).tolist()[:2]
    [2.0, 0.0]
    """
    n = len(rr_s)
    if n < LEAST_RR:
        return np.array([n, *np.zeros(len(HRV_NAMES) - 1)], np.float64)
    change, together = np.diff(rr_s), rr_s[1:] + rr_s[:-1]
    mean, sd, median = rr_s.mean(), rr_s.std(ddof=1), np.median(rr_s)
    rmssd, sdsd = np.sqrt(np.mean(change**2)), change.std(ddof=1)
    quarters = np.quantile(rr_s, [0.25, 0.75])
    return np.array([
        n, mean, sd, rmssd, sdsd, sd / mean, rmssd / mean, median, np.median(np.abs(rr_s - median)),
        quarters[1] - quarters[0], np.mean(np.abs(change) > 0.05), np.mean(np.abs(change) > 0.02),
        rr_s.min(), rr_s.max(), sdsd / np.sqrt(2), together.std(ddof=1) / np.sqrt(2),
    ])  # fmt: skip
