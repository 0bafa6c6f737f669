"""All wearables of a page, and who looks at them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from ecgedge.sinks.plain import plain
from ecgedge.sinks.web.wearable import Wearable
from ecgedge_bridge.errors import ConfigError

__all__ = ["Hub", "Mark", "Older"]

Mark = Callable[[str], None]
Older = Callable[[float, float], dict[str, Any] | None]

_MOST_WEARABLES = 256  # its number is a byte of each frame


class Hub:
    """What a page shows: wearables side by side.

    Parameters
    ----------
    title : str
        Of the page.
    speed : float
        Seconds of ECG that come in a second: 1 for what is measured now.

    Examples
    --------
    >>> hub = Hub("ward")
    >>> hub.add("strap").number, hub.hello()["wearables"]
    (0, [{'id': 0, 'name': 'strap'}])
    """

    def __init__(self, title: str, *, speed: float = 1.0) -> None:
        self._title, self._speed = plain(title), speed
        self._wearables: list[Wearable] = []
        self._marks: dict[int, Mark] = {}
        self._older: dict[int, Older] = {}

    @property
    def wearables(self) -> Sequence[Wearable]:
        """In the order in which they joined."""
        return tuple(self._wearables)

    def add(
        self,
        name: str,
        *,
        hours: float = 1.0,
        mark: Mark | None = None,
        older: Older | None = None,
        wall_clock: Callable[[], float] | None = time.time,
        start_unix_s: float | None = None,
    ) -> Wearable:
        """Add a wearable; what it returns is a sink.

        Parameters
        ----------
        name : str
            Shown above it.
        hours : float
            Of signal that is kept in memory.
        mark : callable, optional
            Marks this moment, with a text; without it the page has no button.
        older : callable, optional
            Gives a strip (``start_s``, ``seconds``) that is no longer in memory.
        wall_clock, start_unix_s
            See :class:`Wearable`.

        Raises
        ------
        ConfigError
            There are as many as a page can show.
        """
        number = len(self._wearables)
        if number >= _MOST_WEARABLES:
            raise ConfigError(f"a page shows {_MOST_WEARABLES} wearables: start another for the rest")
        if mark:
            self._marks[number] = mark
        if older:
            self._older[number] = older
        wearable = Wearable(number, name, hours=hours, wall_clock=wall_clock, start_unix_s=start_unix_s)
        self._wearables.append(wearable)
        return wearable

    def hello(self) -> dict[str, Any]:
        """Return what a page is told first."""
        from ecgedge import __version__

        return {
            "type": "hello",
            "version": __version__,
            "title": self._title,
            "speed": self._speed,
            "wearables": [{"id": one.number, "name": one.name} for one in self._wearables],
            "can_mark": bool(self._marks),
        }

    def mark(self, number: int, text: str) -> bool:
        """Mark this moment in a stream; return whether anybody takes marks there."""
        mark = self._marks.get(number)
        if mark is not None:
            mark(text)
        return mark is not None

    def strip(self, number: int, start_s: float, seconds: float) -> dict[str, Any] | None:
        """Return a stretch of signal from memory, or from where older signal is; may read a file."""
        if not 0 <= number < len(self._wearables):
            return None
        found = self._wearables[number].strip(start_s, seconds)
        older = self._older.get(number)
        return older(start_s, seconds) if found is None and older else found
