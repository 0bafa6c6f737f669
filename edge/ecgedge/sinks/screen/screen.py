"""The live view on the whole terminal."""

from __future__ import annotations

import time
from collections.abc import Iterable

from rich.live import Live
from rich.text import Text

from ecgedge.sinks.plain import plain
from ecgedge.sinks.screen.view import LiveView
from ecgedge.sinks.sink import Item

__all__ = ["Screen"]

# Ten pictures a second look smooth, and cost a Raspberry Pi little.
_REFRESH_S = 0.1


class Screen:
    """Takes the terminal when it is made, gives it back when it is closed.

    Parameters
    ----------
    title : str
        Shown on the frame, for example the device's name.
    hint : str
        Shown on the frame too: what keys do.
    """

    def __init__(self, title: str, hint: str = "") -> None:
        self._view = LiveView(title)
        self._view.hint = hint
        self._live = Live(self._view, screen=True, auto_refresh=False)
        self._drawn_s = 0.0
        self._live.start()

    def take(self, items: Iterable[Item]) -> None:
        """Take what came, and draw it unless that was done just now."""
        self._view.take(items)
        now_s = time.monotonic()
        if now_s - self._drawn_s >= _REFRESH_S:
            self._drawn_s = now_s
            self._live.refresh()

    def show_below(self, footer: str) -> None:
        """Show a line below the view from the next picture on."""
        self._view.footer = Text(plain(footer), no_wrap=True, overflow="ellipsis")

    def close(self) -> None:
        """Give the terminal back."""
        self._live.stop()
