"""JSON lines in a file that never grows beyond a limit: ``FILE.jsonl?mb=16&keep=8``."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO, Annotated

from ecgedge.sinks.lines import json_line
from ecgedge.sinks.outlets.target import Opening, Target
from ecgedge.sinks.queued import EVENTS, NotDelivered
from ecgedge.sinks.saving import expanded, writing
from ecgedge.sinks.sink import Item
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.schema import converted
from ecgedge_bridge.values import Acceleration, SampleBlock

__all__ = ["RotatingLines", "Rotation"]


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a file makes way for the next one.

    Parameters
    ----------
    mb : float
        Largest size; a day of events has some 10 MB.
    keep : int
        How many older ones stay beside it.
    """

    mb: Annotated[float, converted(float)] = 16.0
    keep: Annotated[int, converted(int)] = 8

    def __post_init__(self) -> None:
        """Refuse limits that make no sense."""
        if not 0.001 <= self.mb <= 1e6 or not 1 <= self.keep <= 1000:
            raise ConfigError("--send FILE.jsonl: give mb from 0.001 to 1000000 and keep from 1 to 1000")


class RotatingLines:
    """One JSON object a line for each event, gone on with where the file is there already.

    Parameters
    ----------
    target : Target
        ``FILE.jsonl``, with the fields of :class:`Rotation` as options. Older files are ``FILE.jsonl.1`` (the
        newest of them) and on.
    opening : Opening

    Raises
    ------
    ConfigError
        If it cannot be written, or is no file.
    """

    kinds = EVENTS

    def __init__(self, target: Target, opening: Opening) -> None:
        self._rotation = target.decoded(Rotation)
        self._path = expanded(target.rest)
        if self._path.exists() and not self._path.is_file():
            raise ConfigError(f"{target.rest} is no file: choose another name")
        with writing(target.rest):
            self._file = self._open()
        self._torn = True  # a line may have been left half written, by a crash or a full disk

    def take(self, items: Iterable[Item]) -> None:
        """Write the events, each as a whole line.

        Raises
        ------
        NotDelivered
            The disk is full, or the folder went away.
        """
        events = [item for item in items if not isinstance(item, SampleBlock | Acceleration)]
        for written, event in enumerate(events):
            try:
                self._write(json_line(event.to_json()).encode())
            except OSError as error:
                raise NotDelivered(error.strerror or str(error), len(events) - written) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _open(self) -> IO[bytes]:
        handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)  # somebody's heart
        return os.fdopen(handle, "a+b", buffering=0)

    def _write(self, line: bytes) -> None:
        size = self._file.seek(0, os.SEEK_END)
        if size and size + len(line) > self._rotation.mb * 1e6:
            self._rotate()
        elif size and self._torn:
            self._file.seek(-1, os.SEEK_END)
            line = line if self._file.read(1) == b"\n" else b"\n" + line
        self._torn = True
        if self._file.write(line) != len(line):
            raise OSError(errno.ENOSPC, "the disk is full")
        self._torn = False

    def _rotate(self) -> None:
        """Move each file on by one, over the oldest, and begin anew."""
        names = [self._path, *(Path(f"{self._path}.{n + 1}") for n in range(self._rotation.keep))]
        # Where the last try ended before there was a new file, none may be moved over the oldest again.
        for older, newer in pairwise(reversed(names)) if self._path.exists() else ():
            if newer.exists():
                newer.replace(older)
        begun = self._open()
        self._file.close()
        self._file = begun
