"""From PMD notifications to sample blocks with a sample index: stateful, without I/O and without a clock.

Feed :meth:`PolarEcgDecoder.receive_data` with each notification and its arrival time, then take events until
there are none. What is lost on the way shows as a jump of :attr:`SampleBlock.sample` by exactly that many
samples.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from .errors import FrameError
from .polar import ECG_FS, EcgFrame, decode_ecg_frame
from .types import DeviceStatus, SampleBlock

_NS = 1e-9
# A forward step of the device clock above this is a set or reset clock, not a loss.
_MAX_GAP_S = 3600.0
# Two notifications of one frame (two subscribers) arrive close together.
_RECENT_FRAMES = 8
# Events that nobody takes are dropped from the oldest on; each drop shows as a jump of the sample index.
_MAX_PENDING = 1024
# Polar states the rate as 130 Hz +-2 %; what lies further off is a clock that cannot be trusted.
_RATE_TOLERANCE = 0.02
_RATE_LIMIT = 0.025
# A frame this far behind is no late frame but a clock that was set back.
_LATE_NS = 3_000_000_000
# Arrival times bound what a clock step may have cost.
_MAX_HOST_GAP_S = 10 * 365 * 86400.0


@dataclass(frozen=True, slots=True)
class DecoderStats:
    """Counts since the decoder was made.

    ``frames`` decoded, ``samples`` passed on, ``lost`` samples counted as missing, ``duplicates`` and
    ``late`` frames dropped, ``frame_errors``, and ``segments`` (1, plus one for each jump of the device's
    clock).
    """

    frames: int = 0
    samples: int = 0
    lost: int = 0
    duplicates: int = 0
    late: int = 0
    frame_errors: int = 0
    segments: int = 0


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

    __slots__ = ("_nominal", "_samples", "_seconds")

    _PRIOR = (0.5 / 0.01) ** 2
    _MEMORY_S = 120.0

    def __init__(self, nominal: float) -> None:
        self._nominal = nominal
        self._samples = 0.0
        self._seconds = 0.0

    @property
    def fs(self) -> float:
        """Best estimate in Hz."""
        if not self._seconds:
            return self._nominal
        weight = self._samples**2 / (self._samples**2 + self._PRIOR)
        estimate = weight * self._samples / self._seconds + (1 - weight) * self._nominal
        return min(max(estimate, self._nominal * (1 - _RATE_LIMIT)), self._nominal * (1 + _RATE_LIMIT))

    @property
    def tolerance(self) -> float:
        """Relative error that the estimate may still have."""
        return min(_RATE_TOLERANCE, 1.0 / max(self._samples, 1.0))

    def add(self, samples: int, seconds: float) -> None:
        """Count ``samples`` that took ``seconds`` of device time without a gap."""
        self._samples += samples
        self._seconds += seconds
        if self._seconds > self._MEMORY_S:
            self._samples /= 2
            self._seconds /= 2


@dataclass(frozen=True, slots=True)
class _Anchor:
    """The newest frame that was passed on: device time and arrival time of its last sample."""

    time_ns: int
    host_time_s: float


class PolarEcgDecoder:
    """Turn PMD ECG notifications into :class:`SampleBlock` values.

    One decoder lasts for one stream, over any number of reconnections: the device's timestamps tell what was
    lost.

    Parameters
    ----------
    device : str
        Name that the blocks carry.
    fs : float
        Nominal sampling rate in Hz; the true one is estimated from the timestamps.

    Raises
    ------
    ValueError
        If ``fs`` is not a positive number. Bytes from the device never raise: a frame that cannot be read
        becomes a :class:`DeviceStatus` with the state ``frame_error``.

    Examples
    --------
    >>> import numpy as np
    >>> from ecgedge_bridge.polar import encode_ecg_frame
    >>> decoder = PolarEcgDecoder()
    >>> decoder.receive_data(encode_ecg_frame(10**9, np.array([500, -500])), host_time_s=0.0)
    >>> decoder.next_event().samples.tolist(), decoder.next_event()
    ([0.5, -0.5], None)
    """

    def __init__(self, device: str = "", fs: float = ECG_FS) -> None:
        if not (math.isfinite(fs) and fs > 0):
            raise ValueError(f"fs must be a positive rate in Hz, not {fs}")
        self.device = device
        self.fs = fs
        self._rate = RateEstimate(fs)
        self._events: deque[SampleBlock | DeviceStatus] = deque(maxlen=_MAX_PENDING)
        self._recent: deque[bytes] = deque(maxlen=_RECENT_FRAMES)
        self._anchor: _Anchor | None = None
        self._gap_ns = (0, 0)
        self._next_sample = 0
        self._frames = self._samples = self._lost = 0
        self._duplicates = self._late = self._frame_errors = self._segments = 0

    @property
    def fs_hat(self) -> float:
        """Estimate of the device's true rate in Hz."""
        return self._rate.fs

    @property
    def next_sample(self) -> int:
        """Index that the next sample gets if nothing is lost before it."""
        return self._next_sample

    @property
    def stats(self) -> DecoderStats:
        """Counts so far."""
        return DecoderStats(
            self._frames,
            self._samples,
            self._lost,
            self._duplicates,
            self._late,
            self._frame_errors,
            self._segments,
        )

    def receive_data(self, data: bytes, host_time_s: float) -> None:
        """Take one notification of the data characteristic.

        Parameters
        ----------
        data : bytes
            The notification.
        host_time_s : float
            Its arrival on the host's monotonic clock, in seconds.
        """
        data = bytes(data)
        if data in self._recent:
            self._duplicates += 1
            return
        try:
            frame = decode_ecg_frame(data)
        except FrameError as error:  # the one place: counted, reported, and the run goes on
            self._frame_errors += 1
            self._say("frame_error", str(error))
            return
        self._recent.append(data)
        self._place(frame, host_time_s)

    def next_event(self) -> SampleBlock | DeviceStatus | None:
        """Take the next event, or ``None`` if there is none yet."""
        return self._events.popleft() if self._events else None

    def _place(self, frame: EcgFrame, host_time_s: float) -> None:
        anchor = self._anchor
        if anchor is None:
            self._segments = 1
        elif self._is_late(frame, anchor):
            self._late += 1
            self._say(
                "frame_error", "a frame came after its successor: dropped, and counted as lost; nothing to do"
            )
            return
        else:
            self._skip(self._missing(frame, host_time_s, anchor), anchor, frame)
        self._anchor = _Anchor(frame.time_ns, host_time_s)
        self._emit(frame, host_time_s)

    def _missing(self, frame: EcgFrame, host_time_s: float, anchor: _Anchor) -> int:
        n = len(frame.microvolt)
        elapsed_s = (frame.time_ns - anchor.time_ns) * _NS
        missing = round(elapsed_s * self._rate.fs) - n
        slack = max(2.0, self._rate.tolerance * elapsed_s * self._rate.fs)
        if not 0 < elapsed_s <= _MAX_GAP_S or missing <= -slack:
            return self._new_segment(elapsed_s, n, host_time_s - anchor.host_time_s)
        if missing >= slack:
            return missing
        self._rate.add(n, elapsed_s)
        return 0

    def _new_segment(self, elapsed_s: float, n: int, host_elapsed_s: float) -> int:
        """The device's clock says nothing here: estimate from arrival times, at least one sample."""
        silent_s = min(max(host_elapsed_s, 0.0), _MAX_HOST_GAP_S) if math.isfinite(host_elapsed_s) else 0.0
        lost = max(1, round(silent_s * self._rate.fs) - n)
        self._segments += 1
        self._say(
            "streaming",
            f"the device's clock stepped by {elapsed_s:+.3f} s: new segment, about {lost} samples lost "
            "(estimated from arrival times); nothing to do",
        )
        return lost

    def _is_late(self, frame: EcgFrame, anchor: _Anchor) -> bool:
        """Whether the frame lies wholly within the gap just reported: its place is given away."""
        start, end = self._gap_ns
        if anchor.time_ns - frame.time_ns > _LATE_NS:
            return False
        length_ns = len(frame.microvolt) / self._rate.fs / _NS
        tolerance_ns = 1.5 / self._rate.fs / _NS
        return start < frame.time_ns <= end and frame.time_ns - length_ns >= start - tolerance_ns

    def _skip(self, missing: int, anchor: _Anchor, frame: EcgFrame) -> None:
        if not missing:
            return
        self._lost += missing
        self._next_sample += missing
        n_ns = round(len(frame.microvolt) / self._rate.fs / _NS)
        self._gap_ns = (anchor.time_ns, frame.time_ns - n_ns + round(1.5 / self._rate.fs / _NS))

    def _emit(self, frame: EcgFrame, host_time_s: float) -> None:
        block = SampleBlock(
            samples=frame.microvolt.astype(np.float32) / np.float32(1000),
            fs=self.fs,
            sample=self._next_sample,
            device_time_ns=frame.time_ns,
            host_time_s=host_time_s,
            device=self.device,
        )
        self._events.append(block)
        self._frames += 1
        self._samples += len(frame.microvolt)
        self._next_sample = block.end_sample

    def _say(self, state: str, detail: str) -> None:
        at = self._next_sample
        self._events.append(DeviceStatus(at, at / self.fs, state, detail, self.device))
