"""The heart rate of a whole recording."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def heart_rate_bpm(beats_s: npt.ArrayLike) -> float | None:
    """Beats per minute from the median RR interval; None where there are fewer than two beats.

    Examples
    --------
    >>> heart_rate_bpm([0.0, 0.5, 1.0, 3.0])
    120.0
    """
    rr = np.diff(np.asarray(beats_s, np.float64))
    return float(60.0 / np.median(rr)) if len(rr) else None
