"""A whole recording through a pipeline: what the helpers over arrays have in common."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from ecgedge.events import Event
from ecgedge.stream.pipeline import Pipeline
from ecgedge_bridge.values import SampleBlock


@runtime_checkable
class Recorded(Protocol):
    """A signal with its rate, such as an :class:`ecgedge.Recording`."""

    @property
    def mv(self) -> npt.NDArray[np.float32]:
        """The signal in mV, NaN where samples are missing; shape (n,)."""

    @property
    def fs(self) -> float:
        """Its rate in Hz."""


def as_block(mv: npt.ArrayLike | Recorded, fs: float | None) -> SampleBlock:
    """The signal as one block.

    Raises
    ------
    ValueError
        There is no rate, or another one than that of the recording.
    """
    if isinstance(mv, Recorded):
        if fs is not None and fs != mv.fs:
            raise ValueError(f"fs is {fs:g} Hz and the recording has {mv.fs:g} Hz: leave fs out")
        return SampleBlock(mv.mv, mv.fs, 0)
    if fs is None:
        raise ValueError("an array has no rate of its own: give fs in Hz")
    return SampleBlock(np.asanyarray(mv), fs, 0)


def run_whole(pipeline: Pipeline, block: SampleBlock) -> list[Event]:
    """All events of a stream that is this block."""
    return pipeline.feed(block) + pipeline.finish()
