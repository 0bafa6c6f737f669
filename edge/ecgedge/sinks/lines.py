"""Events as lines: JSON for programs, words for people."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from ecgedge.sinks.sink import Item
from ecgedge.sinks.words import clock, describe, shown_at_s
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import Acceleration, HeartRate, SampleBlock

__all__ = ["JsonLines", "TextLines", "json_file", "json_line"]


def json_line(value: dict[str, Any]) -> str:
    """Return one JSON line; a number that is none is refused, because JSON has no word for it."""
    return json.dumps(value, allow_nan=False) + "\n"


class JsonLines:
    """One JSON object a line for each event; blocks of samples are left out.

    Parameters
    ----------
    out : text file
        Written to at once, so that whoever reads a pipe sees events as they happen.
    owned : bool
        Whether to close it too.

    Examples
    --------
    >>> import sys
    >>> from ecgedge.events import Battery
    >>> JsonLines(sys.stdout).take([Battery(0, 0.0, 87)])
    {"type": "battery", "sample": 0, "time_s": 0.0, "percent": 87, "device": ""}
    """

    def __init__(self, out: TextIO, *, owned: bool = False) -> None:
        self._out = out
        self._owned = owned

    def take(self, items: Iterable[Item]) -> None:
        """Write the events."""
        for item in items:
            if not isinstance(item, SampleBlock | Acceleration):
                self._out.write(json_line(item.to_json()))
                self._out.flush()

    def close(self) -> None:
        """Close the file, if it is this sink's own."""
        if self._owned:
            self._out.close()


def json_file(path: str | Path) -> JsonLines:
    """Open a file for JSON lines; what was there is replaced.

    Raises
    ------
    ConfigError
        If it cannot be written.
    """
    try:
        return JsonLines(Path(path).open("w", encoding="utf-8"), owned=True)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}: choose another file") from error


class TextLines:
    """One line for each event that a person wants to know of; a line that repeats itself is left out.

    Parameters
    ----------
    out : text file
        Written to at once.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._last = ""

    def take(self, items: Iterable[Item]) -> None:
        """Write the events that are worth a line."""
        for item in items:
            if isinstance(item, SampleBlock | Acceleration | HeartRate):
                continue
            words = describe(item)
            if words is None or words == self._last:
                continue
            self._last = words
            self._out.write(f"{clock(shown_at_s(item)):>8}  {words}\n")
            self._out.flush()

    def close(self) -> None:
        """Do nothing: the file is the caller's."""
