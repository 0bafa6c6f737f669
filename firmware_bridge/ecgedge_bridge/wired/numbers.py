"""From numbers to blocks in mV: their scale, found from the first seconds where it is not known; no I/O."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from ecgedge_bridge.codes import NoteCode
from ecgedge_bridge.stream.decoder import DecoderStats, Event
from ecgedge_bridge.stream.index import Placed
from ecgedge_bridge.values import Note, Place, SampleBlock
from ecgedge_bridge.wired.pace import PacedTimeline
from ecgedge_bridge.wired.stamped import StampedTimeline

__all__ = ["FindScale", "NumberDecoder", "Scale", "Scaling"]

Float64s = npt.NDArray[np.float64]


class Scale(Protocol):
    """How numbers become mV: ``(value - offset) / per_mv``; ``note`` says what was assumed."""

    @property
    def per_mv(self) -> float:
        """Numbers that make a mV."""

    @property
    def offset(self) -> float:
        """The number at 0 mV."""

    @property
    def note(self) -> str:
        """What was assumed, in words; empty where nothing was."""


FindScale = Callable[[Float64s, float], Scale]
"""From the first numbers and their rate to their scale."""


class Scaling(NamedTuple):
    """How the scale is found: from so many seconds of numbers; none, where the unit is known."""

    find: FindScale
    from_s: float = 0.0


class _Held(NamedTuple):
    values: Float64s
    stamps_s: Float64s | None
    host_time_s: float


# While electrodes are off there is nothing to find a scale from; then what is there has to do.
_LONGEST_HOLD = 4


class NumberDecoder:
    """Turn numbers into :class:`SampleBlock` values.

    Parameters
    ----------
    device : str
        Name that blocks carry.
    fs : float
        Rate in Hz.
    stamped : bool
        Whether each number comes with a stamp.
    scaling : Scaling, optional
        None: they are in mV.

    Examples
    --------
    >>> import numpy as np
    >>> decoder = NumberDecoder("board", 250.0, stamped=False)
    >>> decoder.take(np.array([0.1, 0.2]), None, 0.0)
    [SampleBlock(2 samples at 250 Hz, sample=0, device='board')]
    """

    def __init__(self, device: str, fs: float, *, stamped: bool, scaling: Scaling | None = None) -> None:
        self.device, self.fs = device, fs
        self._stamped = StampedTimeline(fs) if stamped else None
        self._paced = PacedTimeline(fs)
        self._scaling = scaling
        self._scale: Scale | None = None
        self._held: list[_Held] = []
        self._frames = self._samples = 0

    @property
    def _index(self) -> StampedTimeline | PacedTimeline:
        return self._stamped or self._paced

    @property
    def fs_hat(self) -> float:
        """Estimate of the true rate in Hz."""
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
        return DecoderStats(self._frames, self._samples, index.lost, segments=index.segments)

    def take(self, values: Float64s, stamps_s: Float64s | None, host_time_s: float) -> list[Event]:
        """Take numbers in a row, NaN where one is missing."""
        if not len(values):
            return []
        if self._scaling is None or self._scale is not None:
            return self._blocks(_Held(values, stamps_s, host_time_s))
        if not self._held and np.isnan(values).all():
            return self._blocks(_Held(values, stamps_s, host_time_s))  # missing in any unit
        self._held.append(_Held(values, stamps_s, host_time_s))
        needed, every = self._scaling.from_s * self.fs, sum(len(one.values) for one in self._held)
        known = sum(int(np.isfinite(one.values).sum()) for one in self._held)
        return self._release() if known >= needed or every >= _LONGEST_HOLD * needed else []

    def link_lost(self) -> None:
        """Note that the connection broke."""
        self._index.link_lost()

    def finish(self) -> list[Event]:
        """Return what waited for more."""
        events = self._release()
        return events + (self._events(self._paced.finish()) if self._stamped is None else [])

    def _release(self) -> list[Event]:
        held, self._held = self._held, []
        if not held or self._scaling is None:
            return []
        self._scale = self._scaling.find(np.concatenate([one.values for one in held]), self.fs)
        told: list[Event] = []
        if self._scale.note:
            told.append(Note(*self.place, NoteCode.UNIT_ASSUMED, self._scale.note, self.device))
        return told + [event for one in held for event in self._blocks(one)]

    def _blocks(self, given: _Held) -> list[Event]:
        values, stamps_s, host_time_s = given
        if self._scale is not None:
            values = (values - self._scale.offset) / self._scale.per_mv
        with np.errstate(over="ignore"):  # beyond float32 is infinite: a gap, as NaN is
            mv = values.astype(np.float32)
        if self._stamped is not None and stamps_s is not None:
            return self._events(self._stamped.place(mv, stamps_s, host_time_s))
        return self._events(self._paced.place(mv, host_time_s))

    def _events(self, placed: list[Placed]) -> list[Event]:
        events: list[Event] = []
        for sample, samples, time_ns, arrival_s, _, notes in placed:
            events += [replace(note, device=self.device) for note in notes]
            measured = self.fs_hat if self.fs_hat != self.fs else None
            events.append(SampleBlock(samples, self.fs, sample, time_ns, arrival_s, self.device, measured))
            self._frames += 1
            self._samples += len(samples)
        return events
