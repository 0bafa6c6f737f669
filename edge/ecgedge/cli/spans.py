"""``--from`` and ``--to``: a stretch of a recording, by its own time or by the clock."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ecgedge.recording.span import Span

__all__ = ["From", "To", "parse_span"]

_HOW = "seconds, m:ss or h:mm:ss since its start; by the clock as @23:10 or 2026-11-29T23:10"
From = Annotated[
    str | None, typer.Option("--from", metavar="TIME", help=f"Begin there, without it at its start: {_HOW}.")
]
To = Annotated[str | None, typer.Option("--to", metavar="TIME", help="End there, given like --from.")]

_SINCE = re.compile(r"(?:(?:(\d{1,4}):)?(\d{1,4}):)?(\d{1,9}(?:\.\d{1,9})?)s?", re.ASCII)
_OF_DAY = re.compile(r"@(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d{1,6})?))?", re.ASCII)


def parse_span(from_: str | None, to: str | None, start: datetime | None) -> Span:
    """Make a stretch of what the user typed.

    Parameters
    ----------
    from_, to : str, optional
        Seconds, ``m:ss`` or ``h:mm:ss`` since the start of the recording; ``@hh:mm`` or ``@hh:mm:ss``, the
        first such time of day at or after the start (of ``to``: after ``from_``); or a date and time in
        ISO 8601.
    start : datetime or None
        Time of the first sample. With a zone, times of the clock are those of this machine's zone, where
        they name none.

    Raises
    ------
    ConfigError
        A time that is none, one of the clock where the recording has no start, or an end that is not behind
        the beginning.

    Examples
    --------
    >>> parse_span("1:30", "@23:15", datetime(2026, 11, 29, 23, 10))
    Span(start_s=90.0, end_s=300.0)
    """
    from ecgedge.recording.span import Span
    from ecgedge_bridge.errors import ConfigError

    begin = 0.0 if from_ is None else _seconds("--from", from_, start, 0.0)
    end = math.inf if to is None else _seconds("--to", to, start, begin)
    if end <= begin:
        raise ConfigError(f"--to {to} is not behind --from {from_ or 0}: give a later time")
    return Span(begin, end)


def _seconds(option: str, text: str, start: datetime | None, after_s: float) -> float:
    from ecgedge_bridge.errors import ConfigError

    text = text.strip()
    if since := _SINCE.fullmatch(text):
        hours, minutes, seconds = (float(part or 0) for part in since.groups())
        if (since[2] and seconds >= 60) or (since[1] and minutes >= 60):
            raise ConfigError(f"{option} {text} has 60 minutes or seconds, or more: write it as h:mm:ss")
        return hours * 3600 + minutes * 60 + seconds
    of_day, moment = _OF_DAY.fullmatch(text), _moment(text)
    if of_day is None and moment is None:
        raise ConfigError(f"{option} {text[:40]!r} is no time: give {_HOW}")
    if start is None:
        raise ConfigError(
            f"{option} {text}: the recording does not say when it began: give seconds or h:mm:ss"
        )
    here = start.astimezone() if start.tzinfo else start
    if moment is not None:
        return _since(option, text, moment, here)
    assert of_day is not None
    return _next(option, of_day, here, after_s)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if "-" in text else None
    except ValueError:
        return None


def _since(option: str, text: str, moment: datetime, start: datetime) -> float:
    from ecgedge_bridge.errors import ConfigError

    if moment.tzinfo and not start.tzinfo:
        raise ConfigError(f"{option} {text}: the recording's clock has no zone: leave the zone out")
    if start.tzinfo and not moment.tzinfo:
        moment = moment.astimezone()
    seconds = (moment - start).total_seconds()
    if seconds < 0:
        raise ConfigError(
            f"{option} {text} is before the recording, which began at {start}: give a later time"
        )
    return seconds


def _next(option: str, of_day: re.Match[str], start: datetime, after_s: float) -> float:
    from ecgedge_bridge.errors import ConfigError

    hours, minutes, seconds = int(of_day[1]), int(of_day[2]), float(of_day[3] or 0)
    if hours >= 24 or minutes >= 60 or seconds >= 60:
        raise ConfigError(f"{option} {of_day[0]} is no time of day: give @hh:mm or @hh:mm:ss")
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    first = (midnight + timedelta(hours=hours, minutes=minutes, seconds=seconds) - start).total_seconds()
    least = after_s + (1e-6 if option == "--to" else 0.0)
    return first + 86_400.0 * max(0, math.ceil((least - first) / 86_400.0))
