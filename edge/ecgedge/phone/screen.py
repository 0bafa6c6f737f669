"""What the page is sent: the messages of the live page, as often as there is something new."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable
from typing import Any

from ecgedge.sinks.lines import json_line
from ecgedge.sinks.sink import Item, Sink
from ecgedge.sinks.web.hub import Hub
from ecgedge.sinks.web.viewer import STATE_EVERY_S, Viewer
from ecgedge.sinks.web.wearable import Wearable

__all__ = ["Post", "Screen"]

Post = Callable[[str | bytes], None]

_TICK_S = 1 / 30
# Of signal in memory: 4 hours of an H10 take 7.5 MB. What is older is in the recording.
_LIVE_HOURS, _REPLAY_HOURS = 4.0, 12.0


class Screen:
    """The page, which shows one stream at a time.

    Nothing is polled: a message goes when something came, thirty times a second at most, and figures that a
    person reads four times a second.

    Parameters
    ----------
    post : callable
        Sends a text in JSON, or a frame of signal.
    """

    def __init__(self, post: Post) -> None:
        self._post = post
        self._hub = Hub("ecgedge")
        self._viewer = Viewer(self._hub)
        self._timer: asyncio.Handle | None = None
        self._due_s = math.inf
        self._sent_s = -_TICK_S
        self._first: Callable[[], None] = lambda: None

    def show(
        self,
        name: str,
        *,
        mark: Callable[[str], None] | None = None,
        start_unix_s: float | None = None,
        speed: float | None = None,
        first: Callable[[], None] = lambda: None,
    ) -> Sink:
        """Begin anew with a stream, and return its sink.

        Parameters
        ----------
        name : str
            Shown above it.
        mark : callable, optional
            Marks this moment of a live stream.
        start_unix_s : float, optional
            When a recording began; None for what is live.
        speed : float, optional
            Of a replay, times real time.
        first : callable, optional
            Called before anything is sent: has it on the disk before somebody sees it.
        """
        self._first = first
        self._hub = Hub(name, speed=speed or 1.0)
        self._viewer = Viewer(self._hub)
        live = start_unix_s is None
        shown = self._hub.add(
            name,
            hours=_LIVE_HOURS if live else _REPLAY_HOURS,
            mark=mark,
            wall_clock=time.time if live else None,
            start_unix_s=start_unix_s,
        )
        self._wake()
        return _Shown(shown, self._wake)

    def tell(self, **message: Any) -> None:
        """Send a message of the phone's own, behind what came before it."""
        self._send()
        self._post(json_line(message).rstrip("\n"))

    def now(self) -> None:
        """Send what is now, and nothing of what was missed: the page was hidden."""
        self._viewer.now()
        self._wake()

    def strip(self, wearable: int, start_s: float, seconds: float) -> dict[str, Any] | None:
        """Return a stretch of signal, None where it is no longer in memory."""
        return self._hub.strip(wearable, start_s, seconds)

    def mark(self, text: str) -> bool:
        """Mark this moment; return whether there is a stream that takes marks."""
        return self._hub.mark(0, text)

    def _wake(self, in_s: float = 0.0) -> None:
        """Send what is new, at once or as soon as it may be sent."""
        now_s = asyncio.get_running_loop().time()
        due_s = max(now_s + in_s, self._sent_s + _TICK_S)
        if due_s <= now_s:
            self._send()
        elif due_s < self._due_s:
            self._rest()
            self._due_s = due_s
            self._timer = asyncio.get_running_loop().call_later(due_s - now_s, self._send)

    def _rest(self) -> None:
        """Forget when to send."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._due_s = None, math.inf

    def _send(self) -> None:
        self._rest()
        self._sent_s = asyncio.get_running_loop().time()
        self._first()
        for message in self._viewer.news(self._sent_s):
            self._post(message)
        if self._viewer.is_behind():
            self._wake(STATE_EVERY_S)


class _Shown:
    """A sink that shows what comes."""

    def __init__(self, wearable: Wearable, wake: Callable[[], None]) -> None:
        self._wearable, self._wake = wearable, wake

    def take(self, items: Iterable[Item]) -> None:
        """Take what came, in the order of the stream."""
        self._wearable.take(items)
        self._wake()

    def close(self) -> None:
        """Tell that the stream is over."""
        self._wearable.close()
        self._wake()
