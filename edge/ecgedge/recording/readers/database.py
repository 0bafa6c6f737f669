"""Recordings of ours, see :mod:`ecgedge.recording.database`."""

from __future__ import annotations

from collections.abc import Iterator

from ecgedge.recording.blocks import Blocks, Wanted
from ecgedge.recording.database.store import MAGIC
from ecgedge.recording.database.stored import StoredRecording
from ecgedge.recording.source import Source
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import SampleBlock

__all__ = ["is_database", "read_database"]


def is_database(source: Source) -> bool:
    """Whether this is an SQLite file."""
    return source.head.startswith(MAGIC)


def read_database(source: Source, wanted: Wanted) -> Blocks:
    """Read a recording: the blocks that were recorded, with a jump where it was interrupted."""
    source.close()
    if wanted != Wanted():
        raise ConfigError(
            f"{source.name} is a recording, which knows its rate and its signal: "
            "leave out fs, channel and unit"
        )
    stored = StoredRecording(source.path)
    sessions = stored.sessions
    if not sessions:
        stored.close()
        raise ConfigError(f"{source.name} holds nothing yet: record something first")
    return Blocks(_blocks(stored), sessions[0].fs, start=sessions[0].started)


def _blocks(stored: StoredRecording) -> Iterator[SampleBlock]:
    with stored:
        yield from stored.blocks()
