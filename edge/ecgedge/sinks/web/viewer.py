"""What one viewer is sent next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ecgedge.sinks.lines import json_line
from ecgedge.sinks.web.wearable import Cursor

if TYPE_CHECKING:
    from ecgedge.sinks.web.hub import Hub

__all__ = ["STATE_EVERY_S", "Viewer"]

# Figures that a person reads need no more.
STATE_EVERY_S = 0.25


class Viewer:
    """How far a viewer has read, and what comes next; it holds no data of its own.

    Parameters
    ----------
    hub : Hub

    Examples
    --------
    >>> from ecgedge.sinks.web.hub import Hub
    >>> viewer = Viewer(Hub("demo"))
    >>> [message[:15] for message in viewer.news(0.0)]
    ['{"type": "hello']
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._cursors: dict[int, Cursor] = {}
        self._greeted = -1
        self._state_s = float("-inf")

    def now(self) -> None:
        """Forget how far it has read: the next it gets is what is now."""
        self._cursors = {number: Cursor(missed=old.missed) for number, old in self._cursors.items()}
        self._state_s = float("-inf")

    def is_behind(self) -> bool:
        """Whether something came that it was not sent: figures wait for their time."""
        return any(
            not wearable.caught_up(self._cursors.get(wearable.number, Cursor()))
            for wearable in self._hub.wearables
        )

    def news(self, now_s: float) -> Iterator[str | bytes]:
        """Yield what came since the last time: texts in JSON, and frames of signal.

        Parameters
        ----------
        now_s : float
            Of a monotonic clock.
        """
        wearables = self._hub.wearables
        if len(wearables) != self._greeted:
            self._greeted = len(wearables)
            yield _text(self._hub.hello())
        state = now_s - self._state_s >= STATE_EVERY_S
        if state:
            self._state_s = now_s
        for wearable in wearables:
            cursor = self._cursors.setdefault(wearable.number, Cursor())
            if wearable.caught_up(cursor):
                continue
            yield from map(_text, wearable.messages(cursor, state=state))
            if (frame := wearable.frame(cursor)) is not None:
                yield frame


def _text(message: dict[str, Any]) -> str:
    return json_line(message).rstrip("\n")
