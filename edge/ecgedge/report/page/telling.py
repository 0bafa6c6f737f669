"""Times, lengths and numbers in the words of the page."""

from __future__ import annotations

from datetime import datetime, timedelta

from ecgedge.sinks.words import clock as since_start

__all__ = ["When", "count", "length", "number", "percent", "rate", "times"]


class When:
    """Says when something was: by the clock, with the day where there are several, or since the start.

    Examples
    --------
    >>> when = When(datetime(2026, 11, 29, 23, 59, 50), 60.0)
    >>> when(5.0), when(30.0), When(None, 60.0)(5.0)
    ('Sun 23:59:55', 'Mon 00:00:20', '0:05')
    """

    def __init__(self, start: datetime | None, seconds: float) -> None:
        self._start = start
        days = 0 if start is None else ((start + timedelta(seconds=seconds)).date() - start.date()).days
        self._form = "%H:%M:%S" if not days else "%a %H:%M:%S" if days < 7 else "%d %b %H:%M:%S"

    def __call__(self, time_s: float) -> str:
        if self._start is None:
            return since_start(time_s)
        # Down to the second, and a window that ends a few samples before a second ends at it.
        return f"{self._start + timedelta(seconds=int(time_s + 0.05)):{self._form}}"

    def minute(self, time_s: float) -> str:
        """The same without seconds."""
        told = self(time_s)
        return told if self._start is None else told[:-3]

    def hour(self, time_s: float) -> str:
        """The same of an hour's start, which may lie before the recording's."""
        if self._start is None:
            return since_start(max(time_s, 0.0))
        moment = self._start + timedelta(seconds=time_s + 30.0)  # to the nearest minute
        return f"{moment:{self._form[:-3]}}"


def length(seconds: float) -> str:
    """Say how long something is.

    Examples
    --------
    >>> length(4320.0), length(75.0), length(59.6), length(8.25), length(59_999.0)
    ('1 h 12 min', '1 min 15 s', '60 s', '8.2 s', '16 h 40 min')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 600:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def percent(share: float | None) -> str:
    """Say a share; what is nearly all or nearly nothing is not rounded to it.

    Examples
    --------
    >>> percent(0.943), percent(0.0004), percent(0.9996), percent(0.0), percent(None)
    ('94 %', '<1 %', '>99 %', '0 %', '–')
    """
    if share is None:
        return "–"
    if 0 < share < 0.005:
        return "<1 %"
    return ">99 %" if 0.995 <= share < 1 else f"{100 * share:.0f} %"


def number(value: float | None, unit: str = "", digits: int = 0) -> str:
    """Say a number with its unit; a dash where there is none."""
    return "–" if value is None else f"{value:,.{digits}f}{f' {unit}' if unit else ''}"


def rate(bpm: float | None) -> str:
    """Say a heart rate."""
    return "–" if bpm is None else f"{bpm:.0f}/min"


def count(n: int, one: str, many: str = "") -> str:
    """Say how many.

    Examples
    --------
    >>> count(1, "couplet"), count(1204, "beat"), count(0, "pause")
    ('1 couplet', '1,204 beats', 'no pauses')
    """
    return f"{n:,} {one}" if n == 1 else f"{n:,} {many or one + 's'}" if n else f"no {many or one + 's'}"


def times(n: int) -> str:
    """Say how often."""
    return {1: "once", 2: "twice"}.get(n, f"{n:,} times")
