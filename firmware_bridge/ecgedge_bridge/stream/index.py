"""The sample index that all timelines share, and the values that they pass."""

from __future__ import annotations

import math
import zlib
from typing import NamedTuple

import numpy as np

from ecgedge_bridge.codes import NoteCode
from ecgedge_bridge.stream.unwrap import bounded
from ecgedge_bridge.values import Note, Samples


class Placed(NamedTuple):
    """Samples that have found their place.

    ``sample`` is the index of the first one, ``time_ns`` the device's stamp of the last one (None where there
    is none), ``host_time_s`` their arrival, ``lost`` how many are missing before them, and ``notes`` what is
    to be known of that.
    """

    sample: int
    samples: Samples
    time_ns: int | None
    host_time_s: float
    lost: int = 0
    notes: tuple[Note, ...] = ()


class Frame(NamedTuple):
    """A frame that has no place yet; the fields are the arguments of :meth:`Timeline.place`."""

    samples: Samples
    time_ns: int
    host_time_s: float
    first: int | None


class Loss(NamedTuple):
    """What is missing before a frame, and how many of its first samples have been placed already."""

    samples: int = 0
    notes: tuple[Note, ...] = ()
    repeated: int = 0
    is_step: bool = False


NO_LOSS = Loss()


class SampleIndex:
    """What all timelines share: the index, the counts, and the estimate where nothing else gives the loss.

    Attributes
    ----------
    fs : float
        Nominal sampling rate in Hz.
    next_sample : int
        Index that the next sample gets if nothing is lost before it.
    lost, late, repeated, segments : int
        Samples counted as lost, frames dropped because they came late, frames dropped because they had been
        placed before, stretches without a clock step.
    """

    def __init__(self, fs: float) -> None:
        if not (math.isfinite(fs) and fs > 0):
            raise ValueError(f"fs must be a positive rate in Hz, not {fs}")
        self.fs = fs
        self.next_sample = 0
        self.lost = self.late = self.repeated = self.segments = 0

    @property
    def fs_hat(self) -> float:
        """Estimate of the device's true rate in Hz."""
        return self.fs

    def link_lost(self) -> None:
        """Note that the connection broke here."""

    def _note(self, code: NoteCode, detail: str = "") -> Note:
        return Note(self.next_sample, self.next_sample / self.fs, code, detail)

    def _estimate(self, n: int, host_elapsed_s: float) -> int:
        """Estimate from arrival times what was lost before the next ``n`` samples: at least one sample."""
        return max(1, round(bounded(host_elapsed_s) * self.fs_hat) - n)

    def _new_segment(self, code: NoteCode, what: str, lost: int) -> Loss:
        """Begin a segment with a loss that is an estimate."""
        self.segments += 1
        about = f"about {lost} samples lost" if lost else "no samples lost"
        detail = f"{what}: new segment, {about} (estimated from arrival times); nothing to do"
        return Loss(lost, (self._note(code, detail),), is_step=True)


class Sorted(NamedTuple):
    """Held frames that have found their place after all, and whether the new frame is held in their stead."""

    placed: list[Placed]
    is_held: bool


def sort_key(frame: Frame) -> tuple[int, int]:
    """What a frame is known by when it comes again."""
    return frame.time_ns, zlib.crc32(frame.samples.tobytes())


def begins_with(samples: Samples, newest: Samples, repeated: int) -> bool:
    """Whether the first samples of a frame are the last ones that were placed."""
    if not 0 < repeated <= min(len(samples), len(newest)):
        return False
    return np.array_equal(samples[:repeated], newest[-repeated:])
