"""A recording through the monitor into a sink, a value at a time: for the command line, and for the phone.

Whoever replays decides when the next value comes: at once, at its time, or after others have had their turn.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ecgedge_bridge.values import Mark, Note, SampleBlock, Status

if TYPE_CHECKING:
    from ecgedge.monitor import Monitor
    from ecgedge.recording import Blocks
    from ecgedge.sinks.sink import Item, Sink
    from ecgedge_bridge.capture.file import Capture

__all__ = ["ReadNotes", "capture_values", "in_pieces", "replayed", "values_of"]

T = TypeVar("T")

_PIECE_S = 1 / 30  # of a block that is played at a pace: as often as a page is sent one


def capture_values(capture: str | Path | Capture) -> Iterator[SampleBlock | Status | Mark]:
    """Return the blocks of a capture, what the link and the device reported, and what was marked.

    Raises
    ------
    ConfigError
        It is no capture; raised by the call itself.
    """
    from ecgedge_bridge.capture.replay import replay

    values = replay(capture)
    return (value for value in values if isinstance(value, SampleBlock | Status | Mark))


def values_of(
    path: Path, fs: float | None, channel: str | None, unit: str | None
) -> Blocks | Iterator[SampleBlock | Status | Mark]:
    """Return the blocks of a recording; of a capture also what the link, the device and the wearer said."""
    from ecgedge.recording import CAPTURE, read

    if path.suffix.lower() != CAPTURE or (fs, channel, unit) != (None,) * 3 or not path.is_file():
        return read(path, fs, channel, unit)
    return capture_values(path)


def replayed(
    values: Iterable[Any],
    monitor: Monitor,
    sink: Sink,
    *,
    place: Callable[[Any], Any] = lambda value: value,
    notes: Callable[[], Sequence[Item]] = tuple,
) -> Generator[None, None, None]:
    """Take values into a sink, each with the events that it led to; a step of the iterator takes one.

    After the last value, and also where the iterator is closed before, the monitor is brought to its end.

    Parameters
    ----------
    values : iterable
        Blocks, and what came between them.
    monitor : Monitor
    sink : Sink
    place : callable, optional
        Moves a value to where it belongs, before it is analysed.
    notes : callable, optional
        Returns what the reader of the values has noted since the last call.

    Examples
    --------
    >>> import numpy as np
    >>> from ecgedge.monitor import Monitor
    >>> from ecgedge.sinks.ending import Ending
    >>> ending = Ending()
    >>> flat = [SampleBlock(np.zeros(1300, np.float32), fs=130.0, sample=0)]
    >>> steps = sum(1 for _ in replayed(flat, Monitor(), ending))
    >>> steps, ending.summary().usable
    (1, 0.0)
    """
    try:
        for value in values:
            sink.take(notes())
            placed = place(value)
            found = monitor.feed(placed) if isinstance(placed, SampleBlock) else []
            sink.take([placed, *found])
            yield
    finally:
        sink.take(notes())
        sink.take(monitor.finish())


def in_pieces(values: Iterable[T]) -> Iterator[tuple[float | None, T | SampleBlock]]:
    """Yield the same, blocks in pieces, each with the second of the stream at which it ends.

    The device's clock belongs to a block's last sample, and stays with it.

    Examples
    --------
    >>> import numpy as np
    >>> block = SampleBlock(np.zeros(130, np.float32), fs=130.0, sample=130)
    >>> pieces = list(in_pieces([block]))
    >>> len(pieces), len(pieces[0][1].samples), pieces[-1][0]
    (33, 4, 2.0)
    """
    for value in values:
        if not isinstance(value, SampleBlock):
            yield None, value
            continue
        size = max(round(_PIECE_S * value.fs), 1)
        for at in range(0, len(value.samples), size):
            piece = replace(value, samples=value.samples[at : at + size], sample=value.sample + at)
            if at + size < len(value.samples):
                piece = replace(piece, device_time_ns=None)
            yield piece.end_sample / piece.fs, piece


class ReadNotes:
    """Notes of a reader as events. A line that was cut is an error, for the end."""

    def __init__(self, values: object) -> None:
        from ecgedge.recording import Blocks

        self._blocks = values if isinstance(values, Blocks) else None
        self._taken = 0
        self.cut: str | None = None

    def new(self) -> list[Note]:
        """Return what was noted since the last call."""
        from ecgedge_bridge.codes import NoteCode

        if self._blocks is None:
            return []
        new, fs = self._blocks.notes[self._taken :], self._blocks.fs
        self._taken += len(new)
        cut = [note.detail for note in new if note.code == NoteCode.CUT_LINE]
        self.cut = cut[0] if cut else self.cut
        return [
            Note(note.sample, note.sample / fs, note.code, note.detail)
            for note in new
            if note.code != NoteCode.CUT_LINE
        ]
