"""Where events go: JSON lines, lines of text, or the live view."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol

from ecgedge.events import Event, Hrv, Quality, Rhythm
from ecgedge.sinks.screen.words import clock, describe
from ecgedge_bridge.values import SampleBlock

if TYPE_CHECKING:
    from ecgedge.sinks.screen import LiveView

__all__ = ["JsonLines", "Screen", "Sink", "TextLines", "open_sink", "print_json"]

_REFRESH_S = 0.1


class Sink(Protocol):
    """What a command writes to."""

    def feed(self, block: SampleBlock, events: Iterable[Event]) -> None:
        """Take a block and what the monitor said about it."""

    def take(self, event: Event) -> None:
        """Take one event, of the monitor or of the link."""

    def shown(self) -> AbstractContextManager[object]:
        """Return what has to be entered while events come."""


def print_json(value: dict[str, Any]) -> None:
    """Print one JSON line, at once."""
    print(json.dumps(value, allow_nan=False), flush=True)


class JsonLines:
    """One JSON object a line."""

    def feed(self, block: SampleBlock, events: Iterable[Event]) -> None:
        """Print what the monitor said."""
        for event in events:
            self.take(event)

    def take(self, event: Event) -> None:
        """Print an event."""
        print_json(event.to_json())

    def shown(self) -> AbstractContextManager[object]:
        """Nothing to enter."""
        return nullcontext()


class TextLines:
    """One line for each event that a person wants to know of; a line that repeats itself is left out."""

    def __init__(self) -> None:
        self._last = ""

    def feed(self, block: SampleBlock, events: Iterable[Event]) -> None:
        """Print what the monitor said."""
        for event in events:
            self.take(event)

    def take(self, event: Event) -> None:
        """Print an event, if it is one to be said."""
        words = describe(event)
        if words is None or words == self._last:
            return
        self._last = words
        time_s = event.end_time_s if isinstance(event, Rhythm | Quality | Hrv) else event.time_s
        print(f"{clock(time_s):>8}  {words}", flush=True)

    def shown(self) -> AbstractContextManager[object]:
        """Nothing to enter."""
        return nullcontext()


class Screen:
    """The live view on the whole terminal, drawn ten times a second at most."""

    def __init__(self, view: LiveView) -> None:
        from rich.live import Live

        self._live = Live(view, screen=True, auto_refresh=False)
        self.view = view
        self._drawn_s = 0.0

    def feed(self, block: SampleBlock, events: Iterable[Event]) -> None:
        """Draw the block and what the monitor said."""
        self.view.feed(block, events)
        self._draw()

    def take(self, event: Event) -> None:
        """Draw one event."""
        self.view.take(event)
        self._draw()

    def shown(self) -> AbstractContextManager[object]:
        """Enter to take the terminal, leave to give it back."""
        return self._live

    def _draw(self) -> None:
        now_s = time.monotonic()
        if now_s - self._drawn_s >= _REFRESH_S:
            self._drawn_s = now_s
            self._live.refresh()


def open_sink(as_json: bool, title: str) -> Sink:
    """Choose the sink: JSON when asked for, the view on a terminal that can show it, else text."""
    if as_json:
        return JsonLines()
    if not sys.stdout.isatty() or not (sys.stdout.encoding or "").lower().startswith("utf"):
        return TextLines()
    from ecgedge.sinks.screen import LiveView

    return Screen(LiveView(title))
