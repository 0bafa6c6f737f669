"""Where samples belong: from stamps, counters or arrival times to the sample index; no I/O and no clock.

:class:`Timeline` serves every device that says when, or as how manieth, its samples were taken. What is lost
shows as a jump of the index by exactly that many samples. Devices that send bare samples are served by
``undated.py``. The rules are told in ``PROTOCOL.md``.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ecgedge_bridge.values import Samples

_NS = 1e-9
# A forward step of the device clock above this is a set or reset clock, not a loss.
_MAX_GAP_S = 3600.0
# Polar states the rate as 130 Hz +-2 %; what lies further off is a clock that cannot be trusted.
_RATE_TOLERANCE = 0.02
_RATE_LIMIT = 0.025
# A frame this far behind is no late frame but a clock that was set back.
_LATE_NS = 3_000_000_000
# Frames that may have come late are kept until the next one tells; a device that only sends such is believed.
_MAX_HELD = 1024
# Arrival times bound what a clock step may have cost.
_MAX_HOST_GAP_S = 10 * 365 * 86400.0
# A counter is believed if the stamps say the same within half a second or 5 %: firmware stamps are coarse.
_COUNTER_SLACK_S = 0.5
_COUNTER_SLACK = 0.05

Emit = Callable[[int, Samples, int | None, float], None]
"""Called with the index of the first sample, the samples, the device time in ns and the arrival in s."""
Tell = Callable[[str, str], None]
"""Called with a state of :class:`~ecgedge_bridge.DeviceStatus` and its detail."""

Held = tuple[Samples, int, float, int | None]


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

    __slots__ = ("_fs", "_nominal", "_samples", "_seconds")

    _PRIOR = (0.5 / 0.01) ** 2
    _MEMORY_S = 120.0

    def __init__(self, nominal: float) -> None:
        self._nominal = nominal
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
        return min(_RATE_TOLERANCE, 1.0 / max(self._samples, 1.0))

    def add(self, samples: int, seconds: float) -> None:
        """Count ``samples`` that took ``seconds`` of device time without a gap."""
        self._fs = None
        self._samples += samples
        self._seconds += seconds
        if self._seconds > self._MEMORY_S:
            self._samples /= 2
            self._seconds /= 2

    def _estimate(self) -> float:
        total, nominal = self._samples, self._nominal
        weight = total * total / (total * total + self._PRIOR)
        estimate = weight * total / self._seconds + (1 - weight) * nominal
        off = estimate - nominal
        if abs(off) > nominal * _RATE_LIMIT:
            return nominal * (1 + math.copysign(_RATE_LIMIT, off))
        return estimate


class Unwrap:
    """A counter of a few bits, made one that does not wrap.

    The value nearest to what the host's clock expects is taken: small steps back stay steps back, and a
    silence longer than a whole turn is seen.

    Parameters
    ----------
    bits : int
        Width of the counter.
    per_s : float
        How fast it counts.

    Examples
    --------
    >>> count = Unwrap(8, per_s=10.0)
    >>> [count(raw, host_s) for raw, host_s in [(250, 0.0), (4, 1.0), (3, 1.0), (4, 26.6)]]
    [250, 260, 259, 516]
    """

    __slots__ = ("_host_s", "_last", "_modulus", "_per_s", "_quarter", "_quarter_s")

    def __init__(self, bits: int, per_s: float) -> None:
        self._modulus = 1 << bits
        self._per_s = per_s
        self._quarter = self._modulus // 4
        self._quarter_s = self._quarter / per_s
        self._last: int | None = None
        self._host_s = 0.0

    def __call__(self, raw: int, host_time_s: float) -> int:
        """Return ``raw`` without wraps; ``host_time_s`` is its arrival."""
        last, modulus = self._last, self._modulus
        if last is None:
            value = raw
        else:
            step = (raw - last) % modulus
            value = last + step
            # A small step in a short time needs no reckoning.
            if step > self._quarter or not 0 <= host_time_s - self._host_s < self._quarter_s:
                expected = bounded(host_time_s - self._host_s) * self._per_s
                value += modulus * round((expected - step) / modulus)
        self._last, self._host_s = value, host_time_s
        return value


def bounded(seconds: float) -> float:
    """A span of host time that can be reckoned with, whatever it was."""
    return min(max(seconds, 0.0), _MAX_HOST_GAP_S) if math.isfinite(seconds) else 0.0


class SampleIndex:
    """What all timelines share: the index, the counts, and the guess when nothing tells what was lost.

    Attributes
    ----------
    fs : float
        Nominal sampling rate in Hz.
    next_sample : int
        Index that the next sample gets if nothing is lost before it.
    lost, late, segments : int
        Samples counted as lost, frames dropped because they came late, stretches without a clock step.
    """

    def __init__(self, fs: float, emit: Emit, tell: Tell) -> None:
        if not (math.isfinite(fs) and fs > 0):
            raise ValueError(f"fs must be a positive rate in Hz, not {fs}")
        self.fs = fs
        self.next_sample = 0
        self.lost = self.late = self.segments = 0
        self._emit = emit
        self._tell = tell

    @property
    def fs_hat(self) -> float:
        """Estimate of the device's true rate in Hz."""
        return self.fs

    def link_lost(self) -> None:
        """Note that the connection broke here."""

    def _new_segment(self, what: str, n: int, host_elapsed_s: float) -> int:
        """Estimate from arrival times what was lost before the next ``n`` samples: at least one sample."""
        lost = max(1, round(bounded(host_elapsed_s) * self.fs_hat) - n)
        self.segments += 1
        self._tell(
            "streaming",
            f"{what}: new segment, about {lost} samples lost (estimated from arrival times); nothing to do",
        )
        return lost

    def _jump(self, missing: int) -> None:
        self.lost += missing
        self.next_sample += missing


class Timeline(SampleIndex):
    """Place samples by the device's stamps, or by a counter of samples together with the stamps.

    Parameters
    ----------
    fs : float
        Nominal sampling rate in Hz; the true one is estimated from the stamps.
    emit : callable
        Takes what is placed, see :data:`Emit`.
    tell : callable
        Takes what is to be reported, see :data:`Tell`.
    counter_bits : int
        Width of the counter of samples that :meth:`place` is given, where there is one.

    Raises
    ------
    ValueError
        If ``fs`` is not a positive number.

    Examples
    --------
    >>> import numpy as np
    >>> placed = []
    >>> timeline = Timeline(100.0, lambda *block: placed.append(block[0]), print)
    >>> for last in (49, 99, 199):  # the 50 samples that end with number 149 are lost
    ...     timeline.place(np.zeros(50, np.float32), last * 10_000_000, 0.0)
    >>> placed, timeline.lost
    ([0, 50, 150], 50)
    """

    def __init__(self, fs: float, emit: Emit, tell: Tell, counter_bits: int = 0) -> None:
        super().__init__(fs, emit, tell)
        self._rate = RateEstimate(fs)
        self._modulus = 1 << counter_bits
        self._agreement = _COUNTER_SLACK_S * fs
        # The newest frame that was placed: time and arrival of its last sample, counter of the next one.
        self._anchor_ns: int | None = None
        self._host_s = 0.0
        self._expected = 0
        self._gap_ns = (0, 0)
        self._held: list[Held] = []

    @property
    def fs_hat(self) -> float:
        """Estimate of the device's true rate in Hz."""
        return self._rate.fs

    def place(self, samples: Samples, time_ns: int, host_time_s: float, first: int | None = None) -> None:
        """Give consecutive samples their index.

        Parameters
        ----------
        samples : ndarray of float32, shape (n,) or (n, channels)
            At least one sample.
        time_ns : int
            Device time of the last one in nanoseconds, without wraps.
        host_time_s : float
            Arrival on the host's monotonic clock in seconds.
        first : int, optional
            The device's own count of the first one.
        """
        if self._anchor_ns is None:
            self.segments = 1
        else:
            if (self._held or time_ns <= self._anchor_ns) and self._wait(
                samples, time_ns, host_time_s, first
            ):
                return
            missing = self._missing(len(samples), time_ns, host_time_s, first)
            if missing:
                self._skip(missing, len(samples), time_ns)
        self._anchor_ns, self._host_s = time_ns, host_time_s
        sample, n = self.next_sample, len(samples)
        self.next_sample = sample + n
        if first is not None:
            self._expected = first + n
        self._emit(sample, samples, time_ns, host_time_s)

    def _missing(self, n: int, time_ns: int, host_time_s: float, first: int | None) -> int:
        anchor_ns = self._anchor_ns
        assert anchor_ns is not None
        elapsed_s = (time_ns - anchor_ns) * _NS
        if first is not None and self._goes_on(first, n, elapsed_s):
            self._rate.add(n, elapsed_s)
            return 0
        expected = elapsed_s * self._rate.fs
        missing = round(expected) - n
        if first is None:
            slack = max(2.0, self._rate.tolerance * expected)
            broken = missing <= -slack
        else:
            slack, broken = 1.0, False
            step = (first - self._expected) % self._modulus
            if step or abs(missing) > self._agreement:
                missing, broken = self._by_counter(step, missing, expected)
            else:
                missing = 0
        if broken or not 0 < elapsed_s <= _MAX_GAP_S:
            what = f"the device's clock stepped by {elapsed_s:+.3f} s"
            return self._new_segment(what, n, host_time_s - self._host_s)
        if missing >= slack:
            return missing
        self._rate.add(n, elapsed_s)
        return 0

    def _goes_on(self, first: int, n: int, elapsed_s: float) -> bool:
        """Whether counter and stamp plainly say that nothing is missing: so it is with almost all frames."""
        if (first - self._expected) % self._modulus or elapsed_s <= 0:
            return False
        return abs(elapsed_s * self.fs - n) <= self._agreement

    def _by_counter(self, step: int, by_stamps: int, expected: float) -> tuple[int, bool]:
        """What is missing by the counter, its whole turns by the stamps; and whether they contradict."""
        missing = step + self._modulus * round((by_stamps - step) / self._modulus)
        slack = max(self._agreement, _COUNTER_SLACK * expected)
        return missing, missing < 0 or abs(missing - by_stamps) > slack

    def _skip(self, missing: int, n: int, time_ns: int) -> None:
        self._jump(missing)
        sample_ns = 1e9 / self._rate.fs
        assert self._anchor_ns is not None
        self._gap_ns = (self._anchor_ns, time_ns - round((n - 1.5) * sample_ns))

    def _wait(self, samples: Samples, time_ns: int, host_time_s: float, first: int | None) -> bool:
        """Whether to keep a frame that came after its successor until the next ones tell why.

        If the next one goes on where the successor ended, the frame came late: its place is given away. If it
        does not, the successor may have had a wrong stamp, and the frame is not to be lost for that.
        """
        late = self._lies_in_gap(len(samples), time_ns)
        if self._held:
            assert self._anchor_ns is not None
            if self._follows(self._anchor_ns, len(samples), time_ns):
                self._drop_held()
            elif not late or time_ns <= self._held[-1][1] or len(self._held) >= _MAX_HELD:
                self._release()
                late = False
        return late and self._hold((samples, time_ns, host_time_s, first))

    def _hold(self, frame: Held) -> bool:
        self._held.append(frame)
        self.late += 1  # until the next one shows that it was not
        return True

    def _lies_in_gap(self, n: int, time_ns: int) -> bool:
        """Whether samples lie wholly within the gap just reported, and not long ago."""
        start, end = self._gap_ns
        assert self._anchor_ns is not None
        if not start < time_ns <= end or self._anchor_ns - time_ns > _LATE_NS:
            return False
        sample_ns = 1e9 / self._rate.fs
        return time_ns - n * sample_ns >= start - 1.5 * sample_ns

    def _follows(self, before_ns: int, n: int, time_ns: int) -> bool:
        return abs((time_ns - before_ns) * _NS * self._rate.fs - n) < 2

    def _release(self) -> None:
        """Place what was held after all: the frame before it had a wrong stamp."""
        held, self._held, self._gap_ns = self._held, [], (0, 0)
        self.late -= len(held)
        for frame in held:
            self.place(*frame)

    def _drop_held(self) -> None:
        for _ in self._held:
            self._tell(
                "frame_error", "a frame came after its successor: dropped, and counted as lost; nothing to do"
            )
        self._held = []
