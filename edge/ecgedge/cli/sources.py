"""What commands read: blocks, what a capture reported beside them, and a reader's notes as events."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ecgedge.recording import Blocks
    from ecgedge_bridge.values import Note, SampleBlock, Status

__all__ = ["ReadNotes", "paced", "values_of"]

T = TypeVar("T")


def values_of(
    path: Path, fs: float | None, channel: str | None, unit: str | None
) -> Blocks | Iterator[SampleBlock | Status]:
    """Return the blocks of a recording; of a capture also what the link and the device reported."""
    from ecgedge.recording import CAPTURE, read
    from ecgedge_bridge.capture.replay import replay as replay_capture
    from ecgedge_bridge.values import SampleBlock, Status

    if path.suffix.lower() != CAPTURE or (fs, channel, unit) != (None,) * 3 or not path.is_file():
        return read(path, fs, channel, unit)
    return (value for value in replay_capture(path) if isinstance(value, SampleBlock | Status))


_PIECE_S = 1 / 30  # of a block that is played at a pace: as often as a page is sent one


def paced(values: Iterable[T], speed: float | None) -> Iterator[T | SampleBlock]:
    """Yield the same, blocks in pieces, each no sooner than its time.

    Parameters
    ----------
    values : iterable
        Blocks, and what came between them.
    speed : float, optional
        Times real time; None waits for nothing.
    """
    from ecgedge_bridge.values import SampleBlock

    if speed is None:
        yield from values
        return
    began: float | None = None
    for value in values:
        if not isinstance(value, SampleBlock):
            yield value
            continue
        for piece in _pieces(value):
            due_s = piece.end_sample / piece.fs / speed
            began = time.monotonic() - due_s if began is None else began
            time.sleep(max(began + due_s - time.monotonic(), 0.0))
            yield piece


def _pieces(block: SampleBlock) -> Iterator[SampleBlock]:
    """Cut a block; the device's clock belongs to its last sample, and stays with it."""
    size = max(round(_PIECE_S * block.fs), 1)
    for at in range(0, len(block.samples), size):
        piece = replace(block, samples=block.samples[at : at + size], sample=block.sample + at)
        last = at + size >= len(block.samples)
        yield piece if last else replace(piece, device_time_ns=None)


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
        from ecgedge_bridge.values import Note

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
