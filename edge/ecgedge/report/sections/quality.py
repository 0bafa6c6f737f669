"""How much could be read, why not and when, and what the wearable and the reader reported."""

from __future__ import annotations

from collections.abc import Iterator

from ecgedge.report.findings.values import Findings
from ecgedge.report.page.markup import Html, items, note, section, table
from ecgedge.report.page.telling import When, count, length, percent
from ecgedge.sinks.words import describe

__all__ = ["quality"]

MOST_GAPS = 10


def quality(found: Findings, when: When) -> Html:
    """Tables of reasons and gaps, notes."""
    reasons = ((one.reason, length(one.seconds), f"{when.hour(one.worst_hour_s)}") for one in found.reasons)
    longest = sorted(found.gaps, key=lambda one: (one.start_s - one.end_s, one.start_s))[:MOST_GAPS]
    gaps = (
        (when(one.start_s), length(one.end_s - one.start_s))
        for one in sorted(longest, key=lambda one: one.start_s)
    )
    usable = found.summary.usable
    refused = "" if usable is None else f"{percent(usable)} of the signal could be read."
    return section(
        "quality",
        "Signal",
        note(
            f"{refused} What is too noisy is not analysed: no rhythm, beat or pause is counted in it."
            if refused
            else ""
        ),
        table(
            "Why signal was refused; a stretch may have several reasons",
            ("reason", "in all", "hour with most, from"),
            reasons,
        ),
        table("Missing signal, the longest", ("from", "length"), gaps),
        note(
            f"{len(found.gaps) - MOST_GAPS:,} shorter ones are not listed."
            if len(found.gaps) > MOST_GAPS
            else ""
        ),
        items(_told(found, when)),
    )


def _told(found: Findings, when: When) -> Iterator[str]:
    if found.battery is not None:
        first, last = found.battery.first_percent, found.battery.last_percent
        yield f"Battery of the wearable: {first} % at first, {last} % at last."
    if found.link.lost:
        yield f"The connection was lost: {count(found.link.lost, 'time')}."
    if found.link.frames_lost:
        yield f"{count(found.link.frames_lost, 'frame')} of the radio could not be read."
    for note_, n in found.notes:
        again = f" ({n:,} times, first then)" if n > 1 else ""
        yield f"{when(note_.time_s)}: {describe(note_)}{again}"
