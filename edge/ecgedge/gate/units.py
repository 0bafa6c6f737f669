"""Whether a signal has the size of an ECG in millivolts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ecgedge.arithmetic.core import core
from ecgedge.arithmetic.sums import in_order
from ecgedge.stream.amplitude import PIECE_S

# A QRS of 0.02 mV is below what any electrode gives, one of 20 mV above it: raw counts, or volts.
SMALLEST_MV, TALLEST_MV = 0.02, 20.0
# A signal too small for a beat is ECG in another unit if it has peaks (noise of a normal distribution has a
# kurtosis of 3), and if its pieces are about as tall as each other.
PEAKED, ALIKE = 8.0, 3.0
PIECES = 5  # in so many: a single step has peaks too


def doubtful_height(x: npt.NDArray[np.floating], fs: float, accepted: bool) -> float | None:
    """Typical QRS height of a stretch where it is no ECG in millivolts, else None.

    Parameters
    ----------
    x : array, shape (n,)
        Filtered signal.
    fs : float
        Its rate in Hz.
    accepted : bool
        Whether the noise gate accepted the stretch.

    Examples
    --------
    >>> import numpy as np
    >>> counts = 5000.0 * (np.arange(1000) % 80 == 40)
    >>> doubtful_height(counts, 100, True), doubtful_height(counts / 5000, 100, True)
    (5000.0, None)
    """
    size = round(PIECE_S * fs)
    if len(x) < size:
        return None
    pieces = x[len(x) % size :]
    heights = sorted(ranges(pieces, size))
    n = len(heights)
    height = (heights[(n - 1) // 2] + heights[n // 2]) / 2
    if accepted and height > TALLEST_MV:
        return height
    if n < PIECES or not 0 < height < SMALLEST_MV or heights[-1] > ALIKE * heights[0]:
        return None
    return height if _kurtosis(pieces.astype(np.float64) / height) > PEAKED else None


def _kurtosis(x: npt.NDArray[np.float64]) -> float:
    centred = x - in_order(x) / len(x)
    square = centred * centred
    power = float(in_order(square)) / len(x)
    return float(in_order(square * square)) / len(x) / (power * power)


def ranges(x: npt.NDArray[np.floating], size: int) -> list[float]:
    """Highest less lowest value of each whole piece of so many samples.

    Examples
    --------
    >>> import numpy as np
    >>> ranges(np.array([1.0, 2.0, 0.0, 5.0, 7.0]), 2)
    [1.0, 5.0]
    """
    x = np.ascontiguousarray(x, np.float32)
    if core is not None:
        found: list[float] = np.frombuffer(core.ranges(x, size)).tolist()
        return found
    pieces = x[: len(x) // size * size].reshape(-1, size)
    found = (pieces.max(axis=1) - pieces.min(axis=1)).tolist()
    return found
