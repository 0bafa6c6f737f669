"""When a sample was taken: the count of samples, stretched by the rate that the device really has.

A strap that is sold as 130 Hz may run at 128: its sample count stays the index of the stream, but its seconds
and its intervals are longer than the count at 130 Hz says. The stamps of the device show the true rate; each
block carries it (``SampleBlock.fs_hat``), and it holds for the samples of that block.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from typing import NamedTuple

from ecgedge_bridge.errors import ConfigError

# The furthest off that a measured rate is believed. Vendors promise 2 %, and the decoders stop at 2.5 %.
MOST_OFF = 0.1
# HRV looks back the longest: 10 minutes, and what its beats wait for.
KEPT_S = 700.0
# Changes of the rate that are kept at most: a Polar H10 makes 1.8 a second, which is 1,300 in 700 s.
_KNOTS = 8192


class _Knot(NamedTuple):
    """From this sample on, at this time in s, samples come at ``rate`` Hz."""

    sample: int
    seconds: float
    rate: float


class SampleClock:
    """Seconds of samples: monotonic, in straight pieces, one for each rate that blocks have told.

    What it says about a sample never changes once the sample has come, and does not depend on how blocks
    were cut. Memory is bounded: it forgets rates that held more than 700 s ago.

    Parameters
    ----------
    fs : float
        Nominal rate in Hz, which holds until a block tells another one. Sample 0 is at 0 s.

    Examples
    --------
    >>> clock = SampleClock(130.0)
    >>> clock.tell(1300, 128.0)  # from here on the device is known to run at 128 Hz
    >>> clock.seconds(1300), clock.seconds(1428), clock.sample(11.0)
    (10.0, 11.0, 1428.0)
    >>> clock.stretch(1300, 1428)
    1.015625
    """

    def __init__(self, fs: float) -> None:
        self.fs = fs
        self._knots = deque([_Knot(0, 0.0, fs)], maxlen=_KNOTS)

    def tell(self, sample: int, rate: float | None) -> None:
        """Note the true rate from ``sample`` on, None where only the nominal one is known.

        Raises
        ------
        ConfigError
            A rate more than 10 % off the nominal one.
        """
        rate = self.fs if rate is None else float(rate)
        if not abs(rate - self.fs) <= MOST_OFF * self.fs:
            raise ConfigError(
                f"a measured rate of {rate:g} Hz at a nominal {self.fs:g} Hz: give fs_hat within 10 % of fs, "
                "or leave it out"
            )
        if rate == self._knots[-1].rate:
            return
        now_s = self.seconds(sample)
        self._knots.append(_Knot(sample, now_s, rate))
        while len(self._knots) > 2 and self._knots[1].seconds < now_s - KEPT_S:
            self._knots.popleft()

    def seconds(self, sample: float) -> float:
        """Seconds from sample 0 to a sample, or to a place between two."""
        knot = self._knots[-1]
        if sample < knot.sample:
            knot = self._knots[max(0, bisect_right(self._knots, sample, key=_sample_of) - 1)]
        return knot.seconds + (sample - knot.sample) / knot.rate

    def sample(self, seconds: float) -> float:
        """The place in the count of samples that lies at a time: the inverse of :meth:`seconds`."""
        knot = self._knots[-1]
        if seconds < knot.seconds:
            knot = self._knots[max(0, bisect_right(self._knots, seconds, key=_seconds_of) - 1)]
        return knot.sample + (seconds - knot.seconds) * knot.rate

    def stretch(self, start: float, end: float) -> float:
        """Seconds from one place to a later one, over what they would be at the nominal rate."""
        last = self._knots[-1]
        if start >= last.sample:  # one piece: without the detour over the time since sample 0
            return self.fs / last.rate
        return (self.seconds(end) - self.seconds(start)) * self.fs / (end - start) if end > start else 1.0


def _sample_of(knot: _Knot) -> int:
    return knot.sample


def _seconds_of(knot: _Knot) -> float:
    return knot.seconds
