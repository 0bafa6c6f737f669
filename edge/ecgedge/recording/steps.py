"""The step of the converter that a signal came from, found in its values.

A file with integers holds a signal exactly if it counts in the steps in which the signal was measured.
Floats in mV do not show the step, but every value is a multiple of it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Levels", "exact_gain", "guessed_steps"]

Float32 = npt.NDArray[np.float32]

_MOST_LEVELS = 1 << 17  # more than a converter of 16 bits has
# In whole uV, a tenth and a hundredth of one: straps and loggers; 200 a mV: the default of WFDB.
_USUAL_GAINS = (1000.0, 200.0, 10_000.0, 100_000.0, 1.0)
# EDF's two ranges need not meet at zero: half a step of offset is usual there, a quarter occurs.
_PARTS = (1, 2, 3, 4)
_ALIKE = 1e-4


class Levels:
    """The distinct values of a signal of any length, and its extremes.

    Attributes
    ----------
    low, high : float
        Over finite values; zero before there are any.
    values : ndarray of float32
        Sorted; the first 131,072 that came where there are more, which ``many`` says.

    Examples
    --------
    >>> levels = Levels()
    >>> levels.add(np.array([1, 3, np.nan, 1], np.float32))
    >>> levels.values, levels.high
    (array([1., 3.], dtype=float32), 3.0)
    """

    def __init__(self) -> None:
        self.values: Float32 = np.empty(0, np.float32)
        self.many = False
        self.low = self.high = 0.0

    def add(self, samples: Float32) -> None:
        """Take some more of the signal."""
        finite = samples[np.isfinite(samples)]
        if not len(finite):
            return
        low, high = float(finite.min()), float(finite.max())
        known = len(self.values)
        self.low, self.high = (min(low, self.low), max(high, self.high)) if known else (low, high)
        if self.many:
            return
        found = np.union1d(self.values, finite)
        self.many = len(found) > _MOST_LEVELS
        self.values = found[:_MOST_LEVELS]


def exact_gain(levels: Levels) -> float | None:
    """Return the smallest gain, in steps a mV, with which whole numbers give all values back.

    None: there is none. A value counts as given back where it is off by no more than two units of its last
    place: makers of files multiply or divide, in one precision or another.

    Examples
    --------
    >>> levels = Levels()
    >>> levels.add((np.arange(-500, 900) / 204.7).astype(np.float32))
    >>> exact_gain(levels)
    204.7
    """
    values = levels.values
    if levels.many or not len(values):
        return None
    gains = _gains(values)
    least = next((gain for gain in gains if is_exact(values, gain)), None)
    if least is None:
        return None
    # The blur of the floats leaves several open: it is the one that a header can name in few digits.
    alike = [gain for gain in gains if least <= gain < least * (1 + _ALIKE) and is_exact(values, gain)]
    return min(alike, key=lambda gain: (len(repr(gain)), gain))


def is_exact(values: Float32, gain: float) -> bool:
    """Whether whole numbers give these values back, see :func:`exact_gain`."""
    with np.errstate(all="ignore"):
        counts = np.rint(values.astype(np.float64) * gain)
        return bool(np.all(np.abs(counts / gain - values) <= 2 * np.spacing(np.abs(values))))


def _gains(values: Float32) -> list[float]:
    steps = guessed_steps(values - values[0]) if len(values) > 2 else []
    rough = [1 / step for step in steps if step > 0]
    # Headers name gains with few digits.
    rounded = [float(f"{gain:.{digits}g}") for gain in rough for digits in range(2, 10)]
    every = {*_USUAL_GAINS, *(part * gain for gain in (*rounded, *rough) for part in _PARTS)}
    return sorted(every)


def guessed_steps(values: Float32) -> list[float]:
    """Guess the step of a converter: the smallest distance of two values, made exact by all."""
    levels = np.unique(values.astype(np.float64))
    distances = np.diff(levels)
    if not len(distances) or not np.isfinite(distances).all():
        return []
    step = float(distances.min())
    # Too rough a guess for such multiples, or no step of millivolts at all.
    if max(abs(levels[0]), abs(levels[-1])) / step > 1 << 16 or step > 1e6:
        return []
    counts = np.rint(levels / step)
    fitted = float(levels @ counts) / float(counts @ counts)
    # Floats blur the step; data sheets name it with few digits, or as a part of a millivolt.
    parts = [1 / round(1 / fitted)] if 0 < fitted < 0.7 else []
    return [*parts, *(float(f"{fitted:.{digits}g}") for digits in range(2, 8)), fitted]
