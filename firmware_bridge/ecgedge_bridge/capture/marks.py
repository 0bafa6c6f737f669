"""Marks of the wearer, put where they belong: live, and again when the capture is replayed."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from ecgedge_bridge.values import Mark, Place, SampleBlock

__all__ = ["LONGEST_TEXT", "Marks", "mark_before", "safe_text"]

LONGEST_TEXT = 200  # characters: a sentence
# A mark that waited for longer, while the link was down, stands where the stream goes on.
_LONGEST_S = 600.0
# With one block. Nobody presses a button so often, and nothing may grow for ever.
_MOST_WAITING = 1000


class _Waiting(NamedTuple):
    text: str
    host_time_s: float


def safe_text(text: str) -> str:
    """Return a mark's text in one line, of a sentence's length."""
    return " ".join(text.split())[:LONGEST_TEXT]


def mark_before(block: SampleBlock, ago_s: float, text: str) -> Mark:
    """Return a mark that was made so long before the end of a block.

    Examples
    --------
    >>> import numpy as np
    >>> mark_before(SampleBlock(np.zeros(1300, np.float32), fs=130.0, sample=0), 2.0, "stairs")
    Mark(sample=1040, time_s=8.0, text='stairs')
    """
    ago = round(min(max(ago_s, 0.0), _LONGEST_S) * block.fs)
    sample = max(block.end_sample - ago, 0)
    return Mark(sample, sample / block.fs, text)


class Marks:
    """Marks on their way into a stream: each comes behind the first block that arrived after it.

    That follows from arrival times alone. So the same marks have the same places when a capture is replayed,
    whatever waited in a queue when the button was pressed.

    Parameters
    ----------
    began_s : float, optional
        Of a stream without ECG: when it began, on the host's monotonic clock. Its marks come at once.

    Examples
    --------
    >>> import numpy as np
    >>> marks = Marks()
    >>> marks.add("stairs", host_time_s=99.5)
    []
    >>> block = SampleBlock(np.zeros(65, np.float32), fs=130.0, sample=650, host_time_s=100.0)
    >>> marks.due(block)
    [Mark(sample=650, time_s=5.0, text='stairs')]
    """

    def __init__(self, began_s: float | None = None) -> None:
        self._began_s = began_s
        self._waiting: deque[_Waiting] = deque(maxlen=_MOST_WAITING)

    def add(self, text: str, host_time_s: float) -> list[Mark]:
        """Take a mark; return it where it comes at once."""
        if self._began_s is not None:
            return [Mark(0, round(max(host_time_s - self._began_s, 0.0), 3), text)]
        self._waiting.append(_Waiting(text, host_time_s))
        return []

    def due(self, block: SampleBlock) -> list[Mark]:
        """Return the marks that come behind a block."""
        found, arrival_s = [], block.host_time_s
        while self._waiting and (arrival_s is None or arrival_s > self._waiting[0].host_time_s):
            text, felt_s = self._waiting.popleft()
            found.append(mark_before(block, 0.0 if arrival_s is None else arrival_s - felt_s, text))
        return found

    def rest(self, place: Place) -> list[Mark]:
        """Return the marks behind which nothing came, at the end of the stream."""
        found = [Mark(*place, waiting.text) for waiting in self._waiting]
        self._waiting.clear()
        return found
