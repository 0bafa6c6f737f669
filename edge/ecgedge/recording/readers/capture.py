"""Captures of a wearable, as ``ecgedge capture`` writes them."""

from __future__ import annotations

from itertools import chain

from ecgedge.recording.blocks import Blocks, Wanted
from ecgedge.recording.source import Source
from ecgedge_bridge.capture.file import MAGIC
from ecgedge_bridge.capture.replay import replay
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import SampleBlock

__all__ = ["SUFFIX", "is_capture", "read_capture"]

SUFFIX = ".cap"


def is_capture(source: Source) -> bool:
    """Whether this is a capture: by its first bytes, or a damaged one by its name."""
    return source.head.startswith(MAGIC) or source.path.suffix.lower() == SUFFIX


def read_capture(source: Source, wanted: Wanted) -> Blocks:
    """Read a capture: the blocks that the wearable gave when it was live."""
    source.close()
    if wanted != Wanted():
        raise ConfigError(
            f"{source.name} is a capture, which knows its rate and its signal: leave out fs, channel and unit"
        )
    if not source.path.is_file():
        raise ConfigError(f"{source.name}: a capture is read from a file: save it, and name that file")
    blocks = (event for event in replay(source.path) if isinstance(event, SampleBlock))
    first = next(blocks, None)
    if first is None:
        return Blocks(iter(()), 0.0)
    return Blocks(chain([first], blocks), first.fs)
