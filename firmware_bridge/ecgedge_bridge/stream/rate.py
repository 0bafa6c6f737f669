"""The true sampling rate of a device, by its own clock; pure."""

from __future__ import annotations

import math

# Polar states the rate as 130 Hz +-2 %; what lies further off is a clock that cannot be trusted.
RATE_TOLERANCE = 0.02
# The estimate is cut off here: the tolerance and half a percent for stamps that jitter.
RATE_LIMIT = 0.025
# A device that is off by more than the tolerance has another rate than expected, once so many frames in a row
# show the same one: a strap at 127 Hz would else lose two samples with each frame, for ever. One frame in two
# or three lost, time after time, looks like a half or a third of the rate: that is taken for loss.
_NEAR_FRACTION = 0.03
_SAME_RATE = 0.01
_FRAMES_IN_A_ROW = 8


class RateEstimate:
    """The device's true sampling rate, from its own timestamps over time without gaps.

    The nominal rate is a prior with a standard deviation of 1 %; ``n`` samples of gap-free time measure the
    rate with half a sample of error. Weighting both by their precision gives the weight ``n**2 / (n**2 +
    2500)`` to what was measured: 68 % after one frame of an H10, 99.9 % after 12 s. Only the last minutes
    count, so that a drift of the device's clock is followed.

    Parameters
    ----------
    nominal : float
        Rate in Hz to start from.

    Examples
    --------
    >>> rate = RateEstimate(130.0)
    >>> for _ in range(100):
    ...     rate.add(73, 73 / 131.0)
    >>> round(rate.fs, 3)
    131.0
    """

    __slots__ = ("_fs", "_samples", "_seconds", "nominal")

    # Frames of whole seconds: a stamp that jitters by some samples is no other rate.
    _LEAST_S = 4.0

    _PRIOR = (0.5 / 0.01) ** 2
    # Half a sample of error is 32 ppm of this at 130 Hz, and a drift of the clock is still followed.
    _MEMORY_S = 120.0

    def __init__(self, nominal: float) -> None:
        self.nominal = nominal
        self._samples = 0.0
        self._seconds = 0.0
        self._fs: float | None = nominal  # None: to be worked out, which many frames do not need

    @property
    def fs(self) -> float:
        """Best estimate in Hz."""
        if self._fs is None:
            self._fs = self._estimate()
        return self._fs

    @property
    def tolerance(self) -> float:
        """Relative error that the estimate may still have."""
        return min(RATE_TOLERANCE, 1.0 / max(self._samples, 1.0))

    @property
    def other(self) -> float | None:
        """The measured rate, where it lies far off the expected one."""
        if self._seconds < self._LEAST_S:
            return None
        rate = self._samples / self._seconds
        return round(rate, 3) if abs(rate / self.nominal - 1) > RATE_LIMIT else None

    def add(self, samples: int, seconds: float) -> None:
        """Count ``samples`` that took ``seconds`` of device time without a gap."""
        self._fs = None
        self._samples += samples
        self._seconds += seconds
        if self._seconds > self._MEMORY_S:
            self._samples /= 2
            self._seconds /= 2

    def _estimate(self) -> float:
        total, nominal = self._samples, self.nominal
        weight = total * total / (total * total + self._PRIOR)
        estimate = weight * total / self._seconds + (1 - weight) * nominal
        off = estimate - nominal
        if abs(off) > nominal * RATE_LIMIT:
            return nominal * (1 + math.copysign(RATE_LIMIT, off))
        return estimate


class OtherRate:
    """Finds out that a device runs at another rate than expected: interval after interval shows the same one.

    Examples
    --------
    >>> other = OtherRate()
    >>> [other.seen(73, 0.73, 130.0) for _ in range(8)][-2:]
    [None, 100.0]
    """

    __slots__ = ("_count", "_samples", "_seconds")

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin again: an interval had the expected rate."""
        self._count = self._samples = 0
        self._seconds = 0.0

    def seen(self, samples: int, seconds: float, expected: float) -> float | None:
        """Take an interval that does not have the expected rate; return the rate once it is known."""
        if seconds <= 0 or (
            self._count and not is_same_rate(samples / seconds, self._samples / self._seconds)
        ):
            self.forget()
        if seconds <= 0:
            return None
        self._count += 1
        self._samples += samples
        self._seconds += seconds
        rate = self._samples / self._seconds
        ratio = expected / rate
        is_loss = ratio > 1.5 and abs(ratio - round(ratio)) < _NEAR_FRACTION * ratio
        known = self._count >= _FRAMES_IN_A_ROW and abs(ratio - 1) > RATE_TOLERANCE and not is_loss
        return round(rate, 3) if known else None


def is_same_rate(one: float, other: float) -> bool:
    """Whether two measured rates are one but for the jitter of stamps."""
    return abs(one - other) < _SAME_RATE * other
