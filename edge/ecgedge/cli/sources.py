"""What commands read: blocks, what a capture reported beside them, and a reader's notes as events."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecgedge.recording import Blocks
    from ecgedge_bridge.values import Note, SampleBlock, Status

__all__ = ["ReadNotes", "values_of"]


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
