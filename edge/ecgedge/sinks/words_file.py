"""A file of words: what :mod:`ecgedge.tokens` makes of the beats, some bytes each."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ecgedge.events import Word
from ecgedge.sinks.saving import new_file, writing
from ecgedge.sinks.sink import Item
from ecgedge.tokens.coding import bundled
from ecgedge.tokens.sentence import Sentence
from ecgedge_bridge.files import write_atomically
from ecgedge_bridge.values import SampleBlock

__all__ = ["WordFile"]

# A night that ends with an empty battery has lost no more than this many beats, about ten minutes. The file
# is small enough to be written whole.
EVERY = 600
_MODE = 0o600  # somebody's heart


class WordFile:
    """The words of a stream as one sentence, whole or not there: written every 600 beats, and at the end.

    Parameters
    ----------
    path : str or Path
        A new file. It is removed again if no beat comes; one that it should replace then stays.
    force, source
        See :func:`ecgedge.sinks.saving.new_file`.

    Attributes
    ----------
    start : datetime or None
        Time of the first sample. Of a live stream it is that of the clock.

    Raises
    ------
    ConfigError
        If it cannot be written.
    """

    def __init__(self, path: str | Path, *, force: bool = False, source: Path | None = None) -> None:
        self._path = new_file(path, force=force, source=source)
        self.start: datetime | None = None
        self._words: list[Word] = []
        self._length_s, self._written = 0.0, 0

    def take(self, items: Iterable[Item]) -> None:
        """Keep the words, and how long the stream is."""
        for item in items:
            if isinstance(item, Word):
                self._words.append(item)
            elif isinstance(item, SampleBlock):
                self._length_s = max(self._length_s, item.end_sample / item.fs)
                if self.start is None and item.host_time_s is not None:
                    self.start = datetime.now(UTC) - timedelta(seconds=item.end_sample / item.fs)
        if len(self._words) >= self._written + EVERY:
            self._write()

    def sentence(self) -> Sentence:
        """All words so far."""
        return Sentence.of(self._words, self._length_s, bundled().id, self.start)

    def close(self) -> None:
        """Write what has come since."""
        if self._words:
            self._write()
        else:
            with suppress(OSError):
                if not self._path.stat().st_size:
                    self._path.unlink()

    def _write(self) -> None:
        data = self.sentence().to_bytes()
        with writing(self._path):
            write_atomically(self._path, data, _MODE)
        self._written = len(self._words)
