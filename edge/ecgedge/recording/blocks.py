"""What every reader takes and gives: the user's wishes, blocks in mV, and notes beside them."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from ecgedge_bridge.codes import NoteCode
from ecgedge_bridge.values import SampleBlock

__all__ = ["Blocks", "ReadNote", "Wanted", "shown"]

_SHOWN = 40  # characters of a foreign name in a message


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user said of a recording; None where the file decides."""

    fs: float | None = None
    channel: str | int | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class ReadNote:
    """What a reader found or assumed and the user should know.

    Parameters
    ----------
    code : NoteCode
        ``unit_assumed``, ``unit_doubtful``, ``rate_differs``, ``stamps_ignored``, ``clock_step``,
        ``cut_line``, ``short_file`` or ``decoded``.
    detail : str
        The same in words.
    sample : int
        Where in the stream.
    """

    code: NoteCode
    detail: str
    sample: int = 0


class Blocks(Iterator[SampleBlock]):
    """Blocks of about a second of one recording, and what is known of it.

    Attributes
    ----------
    fs : float
        Rate in Hz.
    start : datetime or None
        Time of the first sample, where the file has one; without a zone where the file names none.
    channel : str
        Name of the signal, "" where it has none.
    unit : str
        What the file counts in: "mV", "uV", "V", "nV" or "counts". Blocks are in mV all the same.
    notes : list of ReadNote
        Grows while blocks are read.

    Examples
    --------
    >>> import numpy as np
    >>> blocks = Blocks(iter([SampleBlock(np.zeros(130, np.float32), fs=130.0)]), fs=130.0)
    >>> [block.end_sample for block in blocks], blocks.fs, blocks.notes
    ([130], 130.0, [])
    """

    def __init__(
        self,
        blocks: Iterator[SampleBlock],
        fs: float,
        *,
        start: datetime | None = None,
        channel: str = "",
        unit: str = "mV",
        notes: list[ReadNote] | None = None,
    ) -> None:
        self._blocks = blocks
        self.fs = fs
        self.start = start
        self.channel = channel
        self.unit = unit
        self.notes = [] if notes is None else notes

    def __iter__(self) -> Blocks:
        return self

    def __next__(self) -> SampleBlock:
        return next(self._blocks)

    def close(self) -> None:
        """Let go of the file, for who does not read to its end."""
        if isinstance(self._blocks, Generator):
            self._blocks.close()


def shown(names: str | Iterable[str]) -> str:
    """Give foreign names for a message: short, printable, without what a terminal would obey.

    Examples
    --------
    >>> shown(["ecg", "a\\x1b[2J"])
    "'ecg', 'a?[2J'"
    """
    listed = [names] if isinstance(names, str) else list(names)[:20]
    safe = ("".join(c if c.isprintable() else "?" for c in name)[:_SHOWN] for name in listed)
    return ", ".join(f"'{name}'" for name in safe)
