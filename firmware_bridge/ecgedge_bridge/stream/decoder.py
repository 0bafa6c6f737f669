"""From notifications to blocks of samples with a sample index: stateful, without I/O and without a clock.

Feed ``receive_data`` with each notification and its arrival time, then take events until there are none. What
is lost on the way shows as a jump of :attr:`SampleBlock.sample` by exactly that many samples. The decoders
of devices stand beside their layouts in ``protocols`` and build on :class:`BlockDecoder`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from ecgedge_bridge.errors import FrameError
from ecgedge_bridge.stream.timeline import Emit, SampleIndex, Tell, Timeline
from ecgedge_bridge.stream.undated import UndatedTimeline
from ecgedge_bridge.values import Acceleration, Battery, DeviceStatus, HeartRate, SampleBlock, Samples

Event = SampleBlock | Acceleration | HeartRate | Battery | DeviceStatus

# Two notifications of one frame (two subscribers) arrive close together.
_RECENT_FRAMES = 8
# Events that nobody takes are dropped from the oldest on; each drop shows as a jump of the sample index.
_MAX_PENDING = 1024


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


class BlockDecoder:
    """Turn notifications into blocks: what the decoders of all devices share.

    A subclass makes its timeline and reads one notification; it raises only
    :class:`~ecgedge_bridge.FrameError`. One decoder lasts for one stream, over any number of reconnections.

    Parameters
    ----------
    device : str
        Name that the blocks carry.
    fs : float
        Nominal sampling rate in Hz.

    Raises
    ------
    ValueError
        If ``fs`` is not a positive number. Bytes from the device never raise: a frame that cannot be read
        becomes a :class:`DeviceStatus` with the state ``frame_error``.
    """

    block: type[SampleBlock] | type[Acceleration] = SampleBlock
    # The bytes of two frames differ if their samples do, or their stamps.
    dated = True

    def __init__(self, device: str, fs: float) -> None:
        self.device = device
        self.fs = fs
        self._events: deque[Event] = deque(maxlen=_MAX_PENDING)
        self._recent: deque[bytes] = deque(maxlen=_RECENT_FRAMES)
        self._frames = self._samples = self._duplicates = self._frame_errors = 0
        self._index = self._timeline(fs, self._pass_on, self._say)

    def _timeline(self, fs: float, emit: Emit, tell: Tell) -> SampleIndex:
        raise NotImplementedError

    def _read(self, data: bytes, host_time_s: float) -> None:
        """Decode one notification and place its samples."""
        raise NotImplementedError

    @property
    def fs_hat(self) -> float:
        """Estimate of the device's true rate in Hz."""
        return self._index.fs_hat

    @property
    def next_sample(self) -> int:
        """Index that the next sample gets if nothing is lost before it."""
        return self._index.next_sample

    @property
    def stats(self) -> DecoderStats:
        """Counts so far."""
        index = self._index
        return DecoderStats(
            self._frames,
            self._samples,
            index.lost,
            self._duplicates,
            index.late,
            self._frame_errors,
            index.segments,
        )

    def receive_data(self, data: bytes, host_time_s: float) -> None:
        """Take one notification.

        Parameters
        ----------
        data : bytes
            The notification.
        host_time_s : float
            Its arrival on the host's monotonic clock, in seconds.
        """
        data = bytes(data)
        if self.dated and data in self._recent:
            self._duplicates += 1
            return
        try:
            self._read(data, host_time_s)
        except FrameError as error:  # the one place: counted, reported, and the run goes on
            self._frame_errors += 1
            self._say("frame_error", str(error))
            return
        if self.dated:
            self._recent.append(data)

    def next_event(self) -> Event | None:
        """Take the next event, or ``None`` if there is none yet."""
        return self._events.popleft() if self._events else None

    def link_lost(self) -> None:
        """Note that the connection broke. Only devices without stamps and counters need to be told."""
        self._index.link_lost()

    def _pass_on(self, sample: int, samples: Samples, time_ns: int | None, host_time_s: float) -> None:
        measured = self._measured(time_ns)
        self._events.append(self.block(samples, self.fs, sample, time_ns, host_time_s, self.device, measured))
        self._frames += 1
        self._samples += len(samples)

    def _measured(self, time_ns: int | None) -> float | None:
        """The rate that stamps show; without them there is only the nominal one."""
        return None if time_ns is None else self._index.fs_hat

    def _say(self, state: str, detail: str) -> None:
        at = self._index.next_sample
        self._events.append(DeviceStatus(at, at / self.fs, state, detail, self.device))


class DatedDecoder(BlockDecoder):
    """A :class:`BlockDecoder` of frames with a device stamp, or a counter of samples, or both."""

    counter_bits = 0
    _index: Timeline

    def _timeline(self, fs: float, emit: Emit, tell: Tell) -> Timeline:
        return Timeline(fs, emit, tell, self.counter_bits)


class UndatedDecoder(BlockDecoder):
    """A :class:`BlockDecoder` of bare samples."""

    # Two equal notifications are a flat line, not one notification that came twice.
    dated = False
    _index: UndatedTimeline

    def _timeline(self, fs: float, emit: Emit, tell: Tell) -> UndatedTimeline:
        return UndatedTimeline(fs, emit, tell)
