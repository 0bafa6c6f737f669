"""What the wearer marks while a stream runs: by a key, by ``ecgedge mark``, by a page."""

from __future__ import annotations

import os
import select
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ecgedge.recording.database.marks_folder import Felt, MarksFolder
from ecgedge_bridge.capture.marks import mark_before, safe_text

if TYPE_CHECKING:
    from ecgedge.events import Mark
    from ecgedge.sinks.sink import Item, Sink
    from ecgedge_bridge.values import SampleBlock

__all__ = ["Keys", "Marked", "Marks"]

KEY = "m"
_MOST_WAITING = 20


class Keys:
    """Keys that are pressed in this terminal, one at a time, without Enter; Ctrl-C works as ever."""

    def __init__(self) -> None:
        import termios
        import tty

        self._fd = sys.stdin.fileno()
        self._before = termios.tcgetattr(self._fd)
        tty.setcbreak(self._fd, termios.TCSANOW)

    @staticmethod
    def there() -> bool:
        """Whether somebody sits at a terminal, and this program is the one in the foreground."""
        try:
            fd = sys.stdin.fileno()
            return os.isatty(fd) and sys.stdout.isatty() and os.tcgetpgrp(fd) == os.getpgrp()
        except (OSError, ValueError, AttributeError):
            return False

    def pressed(self) -> str:
        """Return the keys pressed since the last time; in the background nothing is read."""
        try:
            if os.tcgetpgrp(self._fd) == os.getpgrp() and select.select([self._fd], [], [], 0)[0]:
                return os.read(self._fd, 100).decode("utf-8", "ignore")
        except OSError:  # the terminal went away
            pass
        return ""

    def close(self) -> None:
        """Give the terminal back as it was."""
        import termios

        with suppress(OSError, termios.error):
            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)


class Marked:
    """A sink that puts what was marked behind the block with which it is due.

    Parameters
    ----------
    sink : Sink
    marks : Marks
    """

    def __init__(self, sink: Sink, marks: Marks) -> None:
        self._sink, self._marks = sink, marks

    def take(self, items: Iterable[Item]) -> None:
        """Pass on what came, with what was marked."""
        from ecgedge_bridge.values import SampleBlock

        same = list(items)
        due = [mark for one in same if isinstance(one, SampleBlock) for mark in self._marks.due(one)]
        self._sink.take([*same, *due])

    def close(self) -> None:
        """Close the sink."""
        self._sink.close()


class Marks:
    """Marks of a running stream, placed where they were felt.

    Parameters
    ----------
    recording : Path, optional
        What ``--record`` names: ``ecgedge mark`` finds it.
    keyboard : bool
        Whether keys are read, where somebody sits at a terminal.
    clock : callable
        Seconds since 1970.

    Examples
    --------
    >>> import numpy as np
    >>> from ecgedge_bridge.values import SampleBlock
    >>> seconds = iter([100.0, 102.0])
    >>> marks = Marks(clock=lambda: next(seconds))
    >>> marks.post("stairs")
    >>> list(marks.due(SampleBlock(np.zeros(1300, np.float32), fs=130.0, sample=0)))
    [Mark(sample=1040, time_s=8.0, text='stairs')]
    """

    def __init__(
        self,
        recording: Path | None = None,
        *,
        keyboard: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._posted: deque[Felt] = deque(maxlen=_MOST_WAITING)
        self._folder = MarksFolder(recording) if recording else None
        self._keys = Keys() if keyboard and Keys.there() else None

    @property
    def hint(self) -> str:
        """What keys do."""
        return f"{KEY}: mark this moment" if self._keys else ""

    def post(self, text: str = "") -> None:
        """Mark this moment; may be called from any thread."""
        self._posted.append(Felt(self._clock(), safe_text(text)))

    def due(self, block: SampleBlock) -> Iterator[Mark]:
        """Yield what was marked since the last block, with its place in the stream."""
        now_s = self._clock() if self._posted or self._keys or self._folder else 0.0
        for felt in self._felt(now_s):
            yield mark_before(block, now_s - felt.utc_s, felt.text)

    def close(self) -> None:
        """Give back the terminal and the folder."""
        if self._keys:
            self._keys.close()
        if self._folder:
            self._folder.close()

    def _felt(self, now_s: float) -> Iterator[Felt]:
        if self._keys and KEY in self._keys.pressed().lower():
            yield Felt(now_s, "")
        while self._posted:
            yield self._posted.popleft()
        if self._folder:
            yield from self._folder.taken()
