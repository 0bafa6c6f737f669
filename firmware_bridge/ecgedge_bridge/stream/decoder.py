"""From notifications to blocks of samples with a sample index: stateful, without I/O and without a clock.

Call ``receive_data`` with each notification and its arrival time: it returns what that led to. What is lost
on the way shows as a jump of :attr:`SampleBlock.sample` by exactly that many samples. The decoders of devices
stand beside their layouts in ``protocols`` and build on :class:`BlockDecoder`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from ecgedge_bridge.errors import FrameError
from ecgedge_bridge.stream.index import Placed, SampleIndex
from ecgedge_bridge.stream.timeline import Timeline
from ecgedge_bridge.stream.undated import UndatedTimeline
from ecgedge_bridge.values import (
    Acceleration,
    Battery,
    FrameLost,
    HeartRate,
    LinkState,
    Note,
    Place,
    SampleBlock,
)

Event = SampleBlock | Acceleration | HeartRate | Battery | LinkState | Note | FrameLost
"""Everything that a wearable gives."""

# Two notifications of one frame (two subscribers) arrive close together.
_RECENT_FRAMES = 8


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


class EarlierFrameError(FrameError):
    """A frame that was begun before is lost; the notification at hand is still to be read."""


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
        becomes a :class:`FrameLost`.
    """

    block: type[SampleBlock] | type[Acceleration] = SampleBlock
    # The bytes of two frames differ if their samples do, or their stamps.
    dated = True

    def __init__(self, device: str, fs: float) -> None:
        self.device = device
        self.fs = fs
        self._recent: deque[bytes] = deque(maxlen=_RECENT_FRAMES)
        self._frames = self._samples = self._duplicates = self._frame_errors = 0
        self._index = self._timeline(fs)

    def _timeline(self, fs: float) -> SampleIndex:
        raise NotImplementedError

    def _read(self, data: bytes, host_time_s: float) -> list[Placed]:
        """Decode one notification and place its samples."""
        raise NotImplementedError

    @property
    def fs_hat(self) -> float:
        """Estimate of the device's true rate in Hz."""
        return self._index.fs_hat

    @property
    def place(self) -> Place:
        """Where the next sample belongs if nothing is lost before it."""
        sample = self._index.next_sample
        return Place(sample, sample / self.fs)

    @property
    def stats(self) -> DecoderStats:
        """Counts so far."""
        index = self._index
        return DecoderStats(
            self._frames,
            self._samples,
            index.lost,
            self._duplicates + index.repeated,
            index.late,
            self._frame_errors,
            index.segments,
        )

    def receive_data(self, data: bytes, host_time_s: float) -> list[Event]:
        """Take one notification.

        Parameters
        ----------
        data : bytes
            The notification.
        host_time_s : float
            Its arrival on the host's monotonic clock, in seconds.

        Returns
        -------
        list of Event
            What it led to, in the order of the stream: mostly one block, often nothing, sometimes several.
        """
        data = bytes(data)
        if self.dated and data in self._recent:
            self._duplicates += 1
            return []
        try:
            placed = self._read(data, host_time_s)
        except FrameError as error:  # the one place: counted, reported, and the run goes on
            lost = FrameLost(*self.place, error.code, str(error), self.device)
            self._frame_errors += 1
            rest = self.receive_data(data, host_time_s) if isinstance(error, EarlierFrameError) else []
            return [lost, *rest]
        if self.dated:
            self._recent.append(data)
        events: list[Event] = []
        for sample, samples, time_ns, arrival_s, _, notes in placed:
            if notes:
                events += [replace(note, device=self.device) for note in notes]
            # Without stamps there is only the nominal rate.
            measured = None if time_ns is None else self._index.fs_hat
            events.append(self.block(samples, self.fs, sample, time_ns, arrival_s, self.device, measured))
            self._frames += 1
            self._samples += len(samples)
        return events

    def link_lost(self) -> None:
        """Note that the connection broke. Only devices without stamps and counters need to know."""
        self._index.link_lost()


class DatedDecoder(BlockDecoder):
    """A :class:`BlockDecoder` of frames with a device stamp, or a counter of samples, or both."""

    counter_bits = 0
    _index: Timeline

    def _timeline(self, fs: float) -> Timeline:
        return Timeline(fs, self.counter_bits)


class UndatedDecoder(BlockDecoder):
    """A :class:`BlockDecoder` of bare samples."""

    # Two equal notifications are a flat line, not one notification that came twice.
    dated = False
    _index: UndatedTimeline

    def _timeline(self, fs: float) -> UndatedTimeline:
        return UndatedTimeline(fs)
