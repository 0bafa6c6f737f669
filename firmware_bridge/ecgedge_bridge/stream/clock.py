"""Device time, host time and sample index of one stream: every sample can be given a host time. Pure.

A notification arrives late by a delay that is never negative: radio, queues, stalls of the host. So what is
nearest to the truth is what arrived with the least delay. The smallest ``arrival - device time`` of each 10 s
is kept, and a line is laid under the last 120 s of them: their lower convex hull, at the edge below the
middle. Stalls only lift points off that line, and its slope is the drift of the device's clock. What remains
is the shortest delay of the radio, which nobody can see from one side: some milliseconds.

Nothing here reads a clock.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import overload

import numpy as np
import numpy.typing as npt

from ecgedge_bridge.stream.envelope import BUCKET_S, KNOTS, Envelope, Float64s
from ecgedge_bridge.stream.rate import RateEstimate
from ecgedge_bridge.values import SampleBlock

__all__ = ["ClockSegment", "HostClock"]

_NS = 1e-9
_SEGMENTS = 64
# Stamps and counts of one stream agree to this many samples plus the +-2 % that a rate may be off.
_STEP_SAMPLES = 3.0
_RATE_TOLERANCE = 0.025
# A delay that changes by more than this for good is no delay of a radio.
_DELAY_STEP_S = 0.25
# Crystals are good to 100 ppm; a device without stamps counts time by samples at its nominal rate.
_STAMP_TOLERANCE = 0.001


@dataclass(frozen=True, slots=True)
class ClockSegment:
    """A stretch of stream in which the device's clock runs on without a step.

    ``sample`` is its first sample, ``device_time_ns`` and ``host_time_s`` the two clocks at that sample (the
    former None for a device that sends no stamps), ``reason`` why it begins there: ``start``,
    ``device clock step`` or ``delay step`` (arrivals moved against the device's clock, for good).
    """

    sample: int
    device_time_ns: int | None
    host_time_s: float
    reason: str


class HostClock:
    """Host times for the samples of one stream.

    Feed it the blocks as they come, ask for the host time of any sample. Memory is bounded: the last 64
    segments, 24 hours each.

    Examples
    --------
    >>> import numpy as np
    >>> clock = HostClock()
    >>> for k in range(600):  # a device whose clock is 50 ppm fast, behind a radio that takes 5 ms
    ...     last_s = (73 * k + 72) / 130
    ...     stamp_ns = round(last_s * 1.00005 * 1e9)
    ...     clock.add(SampleBlock(np.zeros(73, np.float32), 130.0, 73 * k, stamp_ns, 1000.005 + last_s))
    >>> round(clock.host_time_s(13_000), 3), round(clock.drift_ppm), round(clock.fs_hat, 3)
    (1100.005, 50, 130.0)
    """

    def __init__(self) -> None:
        self._segments: deque[_Segment] = deque(maxlen=_SEGMENTS)
        self._rate: RateEstimate | None = None

    @property
    def segments(self) -> tuple[ClockSegment, ...]:
        """The segments so far, oldest first."""
        return tuple(segment.summary(self._fs_device) for segment in self._segments)

    @property
    def fs_hat(self) -> float:
        """True sampling rate in Hz, by the host's clock.

        Raises
        ------
        ValueError
            Before the first block.
        """
        return self._fs_device / (1 + (self._newest.envelope.long_slope or 0.0))

    @property
    def drift_ppm(self) -> float | None:
        """How much the device's clock is fast (positive) or slow, in millionths, over the last hour.

        None in the first 20 s of a segment. The clock of a device that sends no stamps is its sample count
        at the nominal rate.
        """
        slope = self._segments[-1].envelope.long_slope if self._segments else None
        return None if slope is None else (1 / (1 + slope) - 1) * 1e6

    def add(self, block: SampleBlock) -> None:
        """Take the next block of the stream.

        Parameters
        ----------
        block : SampleBlock
            With ``host_time_s``; ``device_time_ns`` where the device sends stamps.

        Raises
        ------
        ValueError
            If the block has no arrival time, or does not come after the block before it.
        """
        if not len(block.samples):
            return
        if block.host_time_s is None or not math.isfinite(block.host_time_s):
            raise ValueError("the block has no arrival time: feed blocks of a wearable or of a capture")
        reason = self._reason_for_segment(block, block.host_time_s)
        if reason:
            self._segments.append(_Segment(block, reason))
        if self._rate is None:
            self._rate = RateEstimate(block.fs)
        raised = self._newest.add(block, block.host_time_s, self._rate)
        if raised is not None:
            self._segments.append(raised)

    @overload
    def host_time_s(self, sample: int) -> float: ...

    @overload
    def host_time_s(self, sample: npt.NDArray[np.int64]) -> Float64s: ...

    def host_time_s(self, sample: int | npt.NDArray[np.int64]) -> float | Float64s:
        """Return when a sample was taken, on the host's monotonic clock.

        Parameters
        ----------
        sample : int or ndarray of int64, shape (n,)
            Sample index; also of lost samples, and of those still to come.

        Returns
        -------
        float or ndarray of float64, shape (n,)
            Seconds. For the newest minute the answer may still move by some milliseconds.

        Raises
        ------
        ValueError
            Before the first block.
        """
        fs = self._fs_device
        samples = np.atleast_1d(np.asarray(sample, np.int64))
        starts = np.array([segment.first_sample for segment in self._segments])
        owner = np.maximum(np.searchsorted(starts, samples, "right") - 1, 0)
        times = np.empty(len(samples))
        for index in np.unique(owner):
            mine = owner == index
            times[mine] = self._segments[int(index)].host_time_s(samples[mine], fs)
        return times if isinstance(sample, np.ndarray) else float(times[0])

    @property
    def _newest(self) -> _Segment:
        if not self._segments:
            raise ValueError("no block yet: add one first")
        return self._segments[-1]

    @property
    def _fs_device(self) -> float:
        """Sampling rate by the device's own clock."""
        if self._rate is None:
            raise ValueError("no block yet: add one first")
        return self._rate.fs

    def _reason_for_segment(self, block: SampleBlock, host_s: float) -> str:
        if not self._segments:
            return "start"
        newest = self._newest
        if block.sample <= newest.last_sample:
            raise ValueError(
                f"sample {block.sample} comes after sample {newest.last_sample}: "
                "feed the blocks of one stream, in their order"
            )
        return newest.why_not(block, host_s, self._fs_device)


class _Segment:
    """One segment: where samples lie on the device's clock, and where that lies on the host's."""

    def __init__(self, block: SampleBlock, reason: str) -> None:
        self.first_sample = block.sample
        self.reason = reason
        self.envelope = Envelope()
        self._fs = block.fs
        self._base_ns = block.device_time_ns
        self._base_sample = block.end_sample - 1
        # Places where the two are known: the last one of each run without gaps, and one each 10 s in it.
        self._at_sample: deque[int] = deque(maxlen=KNOTS)
        self._at_s: deque[float] = deque(maxlen=KNOTS)
        self._anchored_s = -math.inf
        self._bucket_samples: deque[int] = deque(maxlen=3)  # first samples: two closed buckets, the open one

    @property
    def last_sample(self) -> int:
        """The newest sample."""
        return self._at_sample[-1] if self._at_sample else self.first_sample - 1

    def device_s(self, block: SampleBlock) -> float:
        """Device time of a block's last sample, in seconds since that of the segment's first block."""
        if self._base_ns is None or block.device_time_ns is None:
            return (block.end_sample - 1 - self._base_sample) / self._fs
        return (block.device_time_ns - self._base_ns) * _NS

    def why_not(self, block: SampleBlock, host_s: float, fs_device: float) -> str:
        """Return why a block cannot belong to this segment; empty if it can."""
        if (block.device_time_ns is None) != (self._base_ns is None):
            return "device clock step"
        now_s = self.device_s(block)
        elapsed_s = now_s - self._at_s[-1]
        counted_s = (block.end_sample - 1 - self.last_sample) / fs_device
        slack_s = _STEP_SAMPLES / fs_device + _RATE_TOLERANCE * abs(elapsed_s)
        if elapsed_s <= 0 or abs(elapsed_s - counted_s) > slack_s:
            return "device clock step"
        # Nothing arrives before it was made.
        early_s = self.envelope.delay_s(now_s) - (host_s - now_s)
        unsure_s = _DELAY_STEP_S + self._tolerance * max(elapsed_s, BUCKET_S)
        return "delay step" if early_s > unsure_s else ""

    @property
    def _tolerance(self) -> float:
        return _RATE_TOLERANCE if self._base_ns is None else _STAMP_TOLERANCE

    def add(self, block: SampleBlock, host_s: float, rate: RateEstimate) -> _Segment | None:
        """Take a block; return the new segment that has begun meanwhile, if one has."""
        now_s = self.device_s(block)
        contiguous = block.sample == self.last_sample + 1 and bool(self._at_s)
        if contiguous:
            rate.add(len(block.samples), now_s - self._at_s[-1])
        self._anchor(block.end_sample - 1, now_s, contiguous)
        if self.envelope.add(now_s, host_s - now_s):
            self._bucket_samples.append(block.sample)
            if self.envelope.is_raised(_DELAY_STEP_S + self._tolerance * 2 * BUCKET_S):
                return self._split(block)
        return None

    def _anchor(self, sample: int, now_s: float, contiguous: bool) -> None:
        if contiguous and now_s - self._anchored_s < BUCKET_S:
            self._at_sample.pop()
            self._at_s.pop()
        else:
            self._anchored_s = now_s
        self._at_sample.append(sample)
        self._at_s.append(now_s)

    def _split(self, block: SampleBlock) -> _Segment:
        """Give the last two buckets, whose arrivals are all late, to a segment of their own."""
        later = _Segment(block, "delay step")
        later.first_sample = self._bucket_samples[0]
        later._base_ns, later._base_sample = self._base_ns, self._base_sample
        later.envelope = self.envelope.split()
        first = bisect_left(self._at_sample, later.first_sample)
        later._at_sample.extend(islice(self._at_sample, first, None))
        later._at_s.extend(islice(self._at_s, first, None))
        later._anchored_s = self._anchored_s
        later._bucket_samples.extend(self._bucket_samples)
        return later

    def host_time_s(self, samples: npt.NDArray[np.int64], fs: float) -> Float64s:
        """Host times of samples, shape (n,), in seconds."""
        at_sample = np.fromiter(self._at_sample, np.int64, len(self._at_sample))
        at_s = np.fromiter(self._at_s, np.float64, len(self._at_s))
        # The nearest known place at or after each sample; it is in the same run, unless the sample was lost.
        near = np.minimum(np.searchsorted(at_sample, samples), len(at_sample) - 1)
        device_s = at_s[near] + (samples - at_sample[near]) / fs
        return device_s + self.envelope.delays_s(device_s)

    def summary(self, fs: float) -> ClockSegment:
        """Return the segment as a value."""
        samples = np.array([self.first_sample])
        host_s = float(self.host_time_s(samples, fs)[0])
        device_ns = None
        if self._base_ns is not None:
            device_s = self._at_s[0] - (self._at_sample[0] - self.first_sample) / fs
            device_ns = self._base_ns + round(device_s / _NS)
        return ClockSegment(self.first_sample, device_ns, host_s, self.reason)
