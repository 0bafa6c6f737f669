"""A file of words: what :mod:`ecgedge.tokens` makes of the beats, some bytes each."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from ecgedge.events import Word
from ecgedge.sinks.saving import NewFile, writing
from ecgedge.sinks.sink import Item
from ecgedge.tokens.coding import bundled, stated
from ecgedge.tokens.sentence import Sentence
from ecgedge_bridge.files import write_atomically
from ecgedge_bridge.values import SampleBlock

__all__ = ["WordFile"]

# A night that ends with an empty battery has lost no more than this many beats, about ten minutes. The file
# is small enough to be written whole.
EVERY = 600
_MODE = 0o600  # somebody's heart


class WordFile(NewFile):
    """The words of a stream as one sentence, whole or not there: written every 600 beats, and at the end.

    One that it should replace stays if no beat comes; for parameters see
    :class:`ecgedge.sinks.saving.NewFile`. A live stream starts when its first block comes.
    """

    def _open(self) -> None:
        self._start = self._about.start
        self._words: list[Word] = []
        self._length_s, self._written = 0.0, 0

    def take(self, items: Iterable[Item]) -> None:
        """Keep the words, and how long the stream is."""
        for item in items:
            if isinstance(item, Word):
                self._words.append(item)
            elif isinstance(item, SampleBlock):
                self._length_s = max(self._length_s, item.end_sample / item.fs)
                if self._start is None and item.host_time_s is not None:
                    self._start = datetime.now(UTC) - timedelta(seconds=item.end_sample / item.fs)
        if len(self._words) >= self._written + EVERY:
            self._write()

    def sentence(self) -> Sentence:
        """All words so far."""
        return Sentence.of(self._words, self._length_s, bundled().id, self._start)

    def told(self) -> tuple[dict[str, object], str]:
        """Return what is to be known of the file, for programs and in words."""
        sentence, error = self.sentence(), stated(bundled())
        told: dict[str, object] = {
            "words": len(sentence), "prd": error.prd, "correlation": error.correlation
        }  # fmt: skip
        size = self._path.stat().st_size
        return told, (
            f"{len(sentence):,} beats in {size / len(sentence):.1f} bytes each; decoded, the median error "
            f"on other people is {error.prd:.0f} % of the signal (PRD)"
        )

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
