"""A sink behind a bounded queue and a thread of its own: whatever it waits for, the stream does not.

Rules of the file
-----------------
1. :meth:`Queued.take` puts what came into the queue and returns. It takes a lock that nobody holds for longer
   than it takes to move a list; no I/O happens under it.
2. A full queue drops its oldest items: who comes back after an hour wants to know what is now. Every item
   that is dropped, or that the sink could not deliver, is counted once in :attr:`Queued.missed`.
3. What the sink raises never reaches the stream. Trouble is told once when it begins and once when it is
   over; the count is told at the end.
4. The thread calls ``take`` with nothing when nothing comes, so that a sink can keep a connection alive.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import get_args

from ecgedge.events import Event
from ecgedge.sinks.plain import plain
from ecgedge.sinks.sink import Item, Sink
from ecgedge_bridge.values import HeartRate

__all__ = ["EVENTS", "NotDelivered", "Output", "Queued", "Tell"]

Tell = Callable[[str], None]
EVENTS: tuple[type, ...] = (*get_args(Event), HeartRate)
"""What most sinks are for: everything but blocks of samples."""

# About an hour of events of one wearer with all options on; of an H10's blocks half an hour, 3 MB.
_MOST = 4096
# How often a sink is called when nothing comes: a reader that connects waits no longer than that.
_IDLE_S = 0.2
# For what is left at the end. A sink that needs longer is left to itself, and what it held counts as missed.
_CLOSE_S = 3.0


class NotDelivered(Exception):  # noqa: N818  # a finding about a receiver, no mistake of anybody's
    """The receiver is away or too slow; the stream goes on, and the sink is called with what comes next.

    Parameters
    ----------
    why : str
        In a few words, without anything secret.
    count : int, optional
        How many of the items were not delivered; without it, all of them.
    """

    def __init__(self, why: str, count: int | None = None) -> None:
        super().__init__(why)
        self.count = count


class Queued:
    """A sink that does I/O, served by a thread of its own.

    Parameters
    ----------
    sink : Sink
        Its ``take`` may block and may raise; it and ``close`` are called by the thread alone.
    name : str
        What a person calls it, without anything secret.
    tell : callable
        Takes a sentence for the user: that the receiver is away, and what it has missed at the end.
    kinds : tuple of type
        The items that the sink is for; others do not take up room.
    most : int
        Items that wait at most.
    patience_s : float
        How long ``take`` may wait for a sink that is stuck: 0 for a live stream, some seconds where a
        file is read, which can wait.
    close_s : float
        How long :meth:`close` waits for what is left.
    rest_s : float
        How long the thread rests after each serving. Where hundreds of wearables share a sink, what comes
        meanwhile is served together: to wake a thread costs more than most items.

    Attributes
    ----------
    missed : int
        Items that the receiver did not get, as far as anybody knows: what it has not confirmed counts.

    Examples
    --------
    >>> import sys
    >>> from ecgedge.events import Battery
    >>> from ecgedge.sinks.lines import JsonLines
    >>> sink = Queued(JsonLines(sys.stdout), "stdout")
    >>> sink.take([Battery(0, 0.0, 87)])
    >>> sink.close()
    {"type": "battery", "sample": 0, "time_s": 0.0, "percent": 87, "device": ""}
    >>> sink.missed
    0
    """

    def __init__(
        self,
        sink: Sink,
        name: str,
        *,
        tell: Tell = lambda _: None,
        kinds: tuple[type, ...] = EVENTS,
        most: int = _MOST,
        patience_s: float = 0.0,
        close_s: float = _CLOSE_S,
        rest_s: float = 0.0,
    ) -> None:
        self.missed = 0
        self._sink, self._name, self._tell = sink, name, tell
        self._kinds, self._most, self._patience_s = kinds, most, patience_s
        self._close_s, self._rest_s = close_s, rest_s
        self._items: deque[Item] = deque()
        self._changed = threading.Condition()
        self._closes = threading.Event()
        self._held = 0  # what the sink has been given and has not finished with
        self._closing = False
        self._is_stuck = False  # it was waited for in vain, and has taken nothing since
        self._trouble: str | None = None
        self._thread = threading.Thread(target=self._run, name=f"ecgedge {name}", daemon=True)
        self._thread.start()

    def take(self, items: Iterable[Item]) -> None:
        """Queue what the sink is for; the oldest go when there is no room."""
        new = [item for item in items if isinstance(item, self._kinds)]
        with self._changed:
            if not new or self._closing:
                return
            if self._patience_s and not self._is_stuck:
                self._wait_for_room(len(new))
            was_empty = not self._items
            self._items.extend(new)
            self._drop(len(self._items) - self._most)
            if was_empty:  # only then does the thread wait for items
                self._changed.notify_all()

    def close(self) -> None:
        """Give the sink a little time for what is left, and tell what it has missed."""
        self._closes.set()
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(self._close_s)
        with self._changed:
            if self._thread.is_alive():
                self.missed += self._held
                self._held = 0
            self._drop(len(self._items))
        if self.missed:
            why = f" ({self._trouble})" if self._trouble else ""
            self._say(f"missed {self.missed} item{'s' * (self.missed > 1)} in all{why}")

    def _wait_for_room(self, n: int) -> None:
        """Wait until the sink takes what is queued, which it does all at once."""
        give_up_s = time.monotonic() + self._patience_s
        while len(self._items) + n > self._most and (left_s := give_up_s - time.monotonic()) > 0:
            self._changed.wait(left_s)
        self._is_stuck = len(self._items) + n > self._most

    def _drop(self, n: int) -> None:
        for _ in range(n):
            self._items.popleft()
            self.missed += 1

    def _run(self) -> None:
        while (items := self._next()) is not None:
            self._serve(items)
            if self._rest_s and items:
                self._closes.wait(self._rest_s)
        self._attempt(self._sink.close, [])

    def _next(self) -> list[Item] | None:
        """Return all that waits, nothing after a while, or None at the end."""
        with self._changed:
            if not self._items and not self._closing:
                self._changed.wait(_IDLE_S)
            if self._closing and not self._items:
                return None
            items = list(self._items)
            self._items.clear()
            self._held = len(items)
            self._is_stuck = False
            self._changed.notify_all()
            return items

    def _serve(self, items: list[Item]) -> None:
        trouble = self._attempt(lambda: self._sink.take(items), items)
        with self._changed:
            self._held = 0
        # A call with nothing in it proves nothing: what was wrong may still be.
        if trouble is None and not items:
            return
        was, self._trouble = self._trouble, trouble
        if trouble is not None and was is None:
            self._say(f"{trouble}: what comes meanwhile is missed, and counted")
        elif trouble is None and was is not None:
            self._say(f"works again; missed {self.missed} so far")

    def _attempt(self, work: Callable[[], None], items: list[Item]) -> str | None:
        """Let the sink work; return why it could not, after counting what was lost by it."""
        try:
            work()
        except Exception as error:
            count = error.count if isinstance(error, NotDelivered) else None
            with self._changed:
                # After `close` has given up on it, all that was held has been counted.
                self.missed += (len(items) if count is None else count) if self._held or not items else 0
            return str(error) or type(error).__name__
        return None

    def _say(self, what: str) -> None:
        # A pipe that nobody reads any more must not end the thread, and with it the sink.
        with suppress(OSError, ValueError):
            self._tell(plain(f"{self._name}: {what}"))


class Output(Queued):
    """What a live command shows: where that stands still the stream goes on, where it fails the stream ends.

    A frozen terminal, or a pipe that nobody reads, would else stop the recording too. What a closed pipe says
    is raised once, by the next :meth:`take` or by :meth:`close`. Parameters are those of :class:`Queued`.

    Examples
    --------
    >>> import sys
    >>> from ecgedge.events import Battery
    >>> from ecgedge.sinks.lines import JsonLines
    >>> output = Output(JsonLines(sys.stdout), "stdout")
    >>> output.take([Battery(0, 0.0, 87)])
    >>> output.close()
    {"type": "battery", "sample": 0, "time_s": 0.0, "percent": 87, "device": ""}
    """

    _failures: tuple[Exception, ...] = ()
    _is_raised = False

    def take(self, items: Iterable[Item]) -> None:
        """Queue what is shown; raise what went wrong with what was queued before."""
        self._raise()
        super().take(items)

    def close(self) -> None:
        """Show what is left; raise what went wrong with it."""
        super().close()
        self._raise()

    def _attempt(self, work: Callable[[], None], items: list[Item]) -> str | None:
        try:
            work()
        except Exception as error:
            self._failures = self._failures or (error,)
        return None

    def _raise(self) -> None:
        if self._failures and not self._is_raised:
            self._is_raised = True
            raise self._failures[0]
