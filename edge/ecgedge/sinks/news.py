"""What of a stream is worth a line: changes, each once. The terminal's and the page's log."""

from __future__ import annotations

from typing import NamedTuple

from ecgedge.events import Event, Gap, Hrv, LinkState, Mark, Quality, Rhythm
from ecgedge.sinks.words import describe, shown_at_s, verdict

__all__ = ["Line", "News"]


class Line(NamedTuple):
    """A line of a log.

    ``kind`` is ``rhythm``, ``quality``, ``gap``, ``link``, ``mark`` or ``note``; ``event`` led to it.
    """

    at_s: float
    kind: str
    words: str
    event: Event


class News:
    """Tells what changed.

    Examples
    --------
    >>> news = News()
    >>> news.of(Mark(1300, 10.0, "stairs")).words
    'marked: stairs'
    """

    def __init__(self) -> None:
        self._verdict = ""
        self._last = ""

    def of(self, event: Event) -> Line | None:
        """Return the line that an event is worth, None where it says nothing new."""
        # HRV is shown beside the heart rate: once a minute in the log it would push the rest out.
        if isinstance(event, Hrv) or self._stands(event):
            return None
        words = describe(event)
        if words is None or words == self._last:
            return None
        self._last = words
        return Line(shown_at_s(event), _kind(event), words, event)

    def _stands(self, event: Event) -> bool:
        """Whether this is the verdict that was told already."""
        if not isinstance(event, Rhythm | Quality) or (isinstance(event, Quality) and event.accepted):
            return False
        words = verdict(event) if isinstance(event, Rhythm) else "refused"
        stands, self._verdict = words == self._verdict, words
        return stands


def _kind(event: Event) -> str:
    match event:
        case Rhythm() | Quality() | Gap() | Mark():
            return type(event).__name__.lower()
        case LinkState():
            return "link"
        case _:
            return "note"
