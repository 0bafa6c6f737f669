"""What a stream came to, for its end: in words, or as one JSON line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ecgedge.events import Ectopy, Event, Summary
from ecgedge.sinks.lines import json_line
from ecgedge.sinks.sink import Item
from ecgedge.sinks.words import OTHER_EXPLAINED, clock, name
from ecgedge.stream.stats import MonitorStats
from ecgedge.summary import PAUSE_S, Summarizer

__all__ = ["Ending", "summary_lines"]


class Ending:
    """A sink that sums up what it takes; :meth:`summary` has it at any time.

    Examples
    --------
    >>> ending = Ending()
    >>> ending.take([])
    >>> ending.summary().beats
    0
    """

    def __init__(self) -> None:
        self._summarizer = Summarizer()

    def take(self, items: Iterable[Item]) -> None:
        """Count the events."""
        self._summarizer.take([item for item in items if isinstance(item, Event)])

    def close(self) -> None:
        """Do nothing."""

    def summary(self) -> Summary:
        """Return what the stream came to so far."""
        return self._summarizer.summary()

    def line(self, stats: MonitorStats, wearable: str | None = None) -> str:
        """Return the same as the JSON line that ends a stream; empty where no signal came."""
        more = {} if wearable is None else {"wearable": wearable}
        return json_line(self.summary().to_json() | more) if stats.samples else ""


def summary_lines(summary: Summary) -> Iterator[str]:
    """Put a summary into words.

    Yields
    ------
    str
        A line for each subject, the last ones explain words in those before.
    """
    yield f"Summary of {clock(summary.end_time_s - summary.time_s)}"
    for subject, words in _facts(summary):
        yield f"  {subject:<11} {words}"
    if "O" in summary.rhythms:
        yield from OTHER_EXPLAINED


def _facts(summary: Summary) -> Iterator[tuple[str, str]]:
    """Subjects, and what there is to be said about each."""
    missing = f"{summary.lost} samples missing" if summary.lost else "nothing missing"
    usable = "too short to judge" if summary.usable is None else f"{summary.usable:.0%} usable"
    yield "signal", f"{usable}, {missing}"
    yield "heart rate", _heart_rate(summary)
    # The most of the time first.
    shares = sorted(summary.rhythms.items(), key=lambda one: -one[1])
    yield "rhythm", ", ".join(f"{name(label)} {share:.0%}" for label, share in shares) or "none could be told"
    yield "AF", _af(summary)
    if summary.beats:
        yield "beats", _beats(summary)
        yield "pauses", _pauses(summary)
    measures = {"RMSSD": summary.rmssd_ms, "SDNN": summary.sdnn_ms}
    if hrv := [f"{measure} {ms:.0f} ms" for measure, ms in measures.items() if ms is not None]:
        yield "HRV", ", ".join(hrv)


def _heart_rate(summary: Summary) -> str:
    if summary.heart_rate_bpm is None:
        return "none could be told"
    words = f"{summary.heart_rate_bpm:.0f} beats a minute"
    if summary.slowest_bpm is None or summary.fastest_bpm is None:
        return words
    return f"{words}; slowest minute {summary.slowest_bpm:.0f}, fastest {summary.fastest_bpm:.0f}"


def _af(summary: Summary) -> str:
    if summary.af is None:
        return "cannot tell: that takes 10 s of usable signal, and a clear rhythm"
    if not summary.af:
        return "no, in all that could be told"
    return f"yes: {summary.af_burden or 0:.0%} of the time, longest {clock(summary.longest_af_s)}"


def _beats(summary: Summary) -> str:
    ectopic = {"ventricular": summary.ventricular, "supraventricular": summary.supraventricular}
    return f"{summary.beats}: " + "; ".join(_ectopy(kind, found) for kind, found in ectopic.items())


def _ectopy(kind: str, found: Ectopy) -> str:
    if not found.beats:
        return f"none {kind}"
    parts = [f"{found.beats} {kind}"]
    if found.per_hour is not None:
        parts.append(f"{found.per_hour:.0f} an hour")
    if found.couplets:
        parts.append(f"{found.couplets} couplet{'s' * (found.couplets > 1)}")
    if found.runs:
        parts.append(f"{found.runs} run{'s' * (found.runs > 1)}, the longest of {found.longest_run}")
    return ", ".join(parts)


def _pauses(summary: Summary) -> str:
    count = f"{summary.pauses} over" if summary.pauses else "none over"
    longest = summary.longest_rr_ms
    return f"{count} {PAUSE_S:g} s" + (
        "" if longest is None else f"; longest interval {longest / 1000:.2f} s"
    )
