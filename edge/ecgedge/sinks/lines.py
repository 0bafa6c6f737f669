"""Events as lines: JSON for programs, words for people."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TextIO

from ecgedge.events import Beat, Hrv, Quality, Rhythm, Waves, Word
from ecgedge.sinks.plain import plain
from ecgedge.sinks.sink import Item
from ecgedge.sinks.words import clock, describe, shown_at_s, verdict
from ecgedge_bridge.values import Acceleration, HeartRate, SampleBlock

__all__ = ["JsonLines", "TextLines", "json_line"]

# While nothing changes, a line every minute at first, so that a person sees that it works. Then one every
# five minutes, as long as a window of HRV, less what its end may come early: a day is then 290 lines.
_SOON_S, _LATER_AFTER_S, _LATER_S = 50.0, 310.0, 290.0


def json_line(value: dict[str, Any]) -> str:
    """Return one JSON line; a number that is none is refused, because JSON has no word for it."""
    return json.dumps(value, allow_nan=False) + "\n"


class JsonLines:
    """One JSON object a line for each event; blocks of samples are left out.

    Parameters
    ----------
    out : text file
        Written to at once, so that whoever reads a pipe sees events as they happen.
    owned : bool
        Whether to close it too.
    wearable : str, optional
        Put into each line, where several wearables share the output.

    Examples
    --------
    >>> import sys
    >>> from ecgedge.events import Battery
    >>> JsonLines(sys.stdout).take([Battery(0, 0.0, 87)])
    {"type": "battery", "sample": 0, "time_s": 0.0, "percent": 87, "device": ""}
    """

    def __init__(self, out: TextIO, *, owned: bool = False, wearable: str | None = None) -> None:
        self._out = out
        self._owned = owned
        self._more = {} if wearable is None else {"wearable": wearable}

    def take(self, items: Iterable[Item]) -> None:
        """Write the events."""
        for item in items:
            if not isinstance(item, SampleBlock | Acceleration):
                self._out.write(json_line(item.to_json() | self._more))
                self._out.flush()

    def close(self) -> None:
        """Close the file, if it is this sink's own."""
        if self._owned:
            self._out.close()


class TextLines:
    """One line for each event that a person wants to know of.

    A verdict on ten seconds gets a line where it differs from the one before. While nothing changes, a
    line a minute (later every five) counts the windows, with the HRV. Other events that repeat themselves
    are counted.

    Parameters
    ----------
    out : text file
        Written to at once.
    wearable : str, optional
        Stands before each line, where several wearables share the output.

    Examples
    --------
    >>> import sys
    >>> from ecgedge.events import Gap
    >>> TextLines(sys.stdout).take([Gap(0, 0.0, 130, 1.0, 130)])
        0:00  gap of 130 samples lost (1.0 s)
    """

    def __init__(self, out: TextIO, wearable: str | None = None) -> None:
        self._out = out
        self._name = "" if wearable is None else f"{plain(wearable)}  "
        self._last = ""
        self._again = 0  # times that the last line would have been repeated
        self._verdict = ""
        self._since_s, self._windows = 0.0, 0  # how long it has stood
        self._told_s = 0.0
        self._bpm: float | None = None

    def take(self, items: Iterable[Item]) -> None:
        """Write the events that are worth a line."""
        for item in items:
            match item:
                case SampleBlock() | Acceleration() | HeartRate():
                    pass
                case Beat() | Waves() | Word() | Quality(accepted=True):
                    pass
                case Rhythm():
                    self._take_verdict(item, verdict(item))
                case Quality():
                    self._take_verdict(item, "too noisy")
                case Hrv():
                    self._take_hrv(item)
                case _:
                    self._write_once(shown_at_s(item), describe(item) or "")

    def close(self) -> None:
        """Write what is left; the file is the caller's."""
        self._write_again()

    def _take_verdict(self, event: Rhythm | Quality, words: str) -> None:
        if words != self._verdict:
            self._verdict, self._since_s, self._windows = words, shown_at_s(event), 0
            self._write(shown_at_s(event), describe(event) or words)
        self._windows += 1
        self._bpm = event.heart_rate_bpm if isinstance(event, Rhythm) else None

    def _take_hrv(self, event: Hrv) -> None:
        """Write the HRV, and what has not changed for so long."""
        now_s = event.end_time_s
        if self._told_s and now_s - self._told_s < (_SOON_S if now_s <= _LATER_AFTER_S else _LATER_S):
            return
        self._told_s = now_s
        words = describe(event)
        if self._windows > 1:
            rate = f", {self._bpm:.0f}/min" if self._bpm is not None else ""
            since = f"{self._windows} windows since {clock(self._since_s)}"
            words = f"still {plain(self._verdict)}{rate}: {since}; {words}"
        self._write(now_s, words or "")

    def _write_once(self, time_s: float, words: str) -> None:
        if words and words == self._last:
            self._again += 1
        elif words:
            self._write(time_s, words)

    def _write(self, time_s: float, words: str) -> None:
        self._write_again()
        self._last = words
        self._out.write(f"{self._name}{clock(time_s):>8}  {words}\n")
        self._out.flush()

    def _write_again(self) -> None:
        if self._again:
            self._out.write(
                f"{self._name}{'':8}  (the same {self._again} more time{'s' * (self._again > 1)})\n"
            )
            self._out.flush()
        self._again = 0
