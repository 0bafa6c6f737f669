"""The last day as the page draws it: rhythm, heart rate, HRV and marks, and what changed of them."""

from __future__ import annotations

from collections import deque
from typing import Any

from ecgedge.details import Minute, Named
from ecgedge.events import Event, Gap, Hrv, Mark, Quality
from ecgedge.sinks.plain import plain
from ecgedge.summary import Summarizer

__all__ = ["Timeline"]

_DAY_S = 86400.0
_MINUTES = 1440
# A rhythm that changes each 20 s for a day. Older ones go first.
_MOST_SPANS = 4320
_MOST_MARKS = 500
# Windows of neighbours end on different grids, some samples apart: no gap on a screen.
_JOINED_S = 0.5

_Value = dict[str, Any]


class Timeline:
    """What stands on the timeline, each entry with the version in which it changed last.

    Attributes
    ----------
    version : int
        Grows with each change.

    Examples
    --------
    >>> timeline = Timeline()
    >>> timeline.take(Mark(1300, 10.0, "stairs"))
    >>> timeline.since(0)["marks"]
    [{'start_s': 10.0, 'text': 'stairs'}]
    >>> timeline.since(timeline.version)["marks"]
    []
    """

    def __init__(self) -> None:
        self.version = 0
        self._summarizer = Summarizer()
        self._lists: dict[str, deque[tuple[int, _Value]]] = {
            "spans": deque(maxlen=_MOST_SPANS),
            "minutes": deque(maxlen=_MINUTES),
            "hrv": deque(maxlen=_MINUTES),
            "marks": deque(maxlen=_MOST_MARKS),
        }

    def take(self, event: Event) -> None:
        """Take an event, in the order of the stream."""
        for detail in self._summarizer.take([event]):
            match detail:
                case Named():
                    label = "N" if detail.event.sinus else detail.event.label
                    self._span(detail.start_s, detail.end_s, label)
                case Minute():
                    low, high = detail.low_bpm or detail.bpm, detail.high_bpm or detail.bpm
                    rates = {"low": round(low, 1), "mean": round(detail.bpm, 1), "high": round(high, 1)}
                    self._add("minutes", {"start_s": detail.start_s, **rates})
                case _:
                    pass
        match event:
            case Quality(accepted=False):
                self._span(event.time_s, event.end_time_s, "~")
            case Gap():
                self._span(event.time_s, event.end_time_s, "gap")
            case Hrv(rmssd_ms=float(rmssd_ms)):
                self._add("hrv", {"start_s": event.end_time_s, "rmssd_ms": round(rmssd_ms, 1)})
            case Mark():
                self._add("marks", {"start_s": event.time_s, "text": plain(event.text)})
            case _:
                pass

    def since(self, version: int) -> dict[str, list[_Value]]:
        """Return, of each list, the entries that changed after a version; they are its last ones."""
        return {name: self._changed(entries, version) for name, entries in self._lists.items()}

    @staticmethod
    def _changed(entries: deque[tuple[int, _Value]], version: int) -> list[_Value]:
        found = []
        for changed, value in reversed(entries):
            if changed <= version:
                break
            found.append(value)
        return found[::-1]

    def _span(self, start_s: float, end_s: float, label: str) -> None:
        """Go on with the last stretch, or begin another behind it; what was told first stands."""
        spans = self._lists["spans"]
        last = spans[-1][1] if spans else None
        start_s = max(start_s, last["end_s"]) if last else start_s
        if end_s <= start_s:
            return
        if last and last["label"] == label and start_s - last["end_s"] < _JOINED_S:
            spans.pop()
            start_s = last["start_s"]
        self._add("spans", {"start_s": start_s, "end_s": end_s, "label": label})
        while spans[0][1]["end_s"] < end_s - _DAY_S:
            spans.popleft()

    def _add(self, name: str, value: _Value) -> None:
        self.version += 1
        self._lists[name].append((self.version, value))
