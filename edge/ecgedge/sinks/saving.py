"""Files that keep what was received."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ecgedge.recording.csvwriter import CsvWriter
from ecgedge.sinks.sink import Item
from ecgedge_bridge.values import SampleBlock

__all__ = ["CsvSink"]


class CsvSink:
    """The ECG as text, which ``ecgedge replay`` reads back.

    Parameters
    ----------
    path : str or Path
        The file; what was there is replaced.

    Raises
    ------
    ConfigError
        If it cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        self._writer = CsvWriter(Path(path))

    def take(self, items: Iterable[Item]) -> None:
        """Write the blocks of ECG."""
        for item in items:
            if isinstance(item, SampleBlock):
                self._writer.write(item)

    def close(self) -> None:
        """Close the file."""
        self._writer.close()
