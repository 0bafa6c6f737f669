"""Atrial fibrillation: how much, when, and how it began."""

from __future__ import annotations

from ecgedge.details import Episode
from ecgedge.report.findings.values import Findings
from ecgedge.report.page.markup import Html, figure, note, section, table
from ecgedge.report.page.telling import When, length, number, percent, rate
from ecgedge.report.strips import Strips

__all__ = ["fibrillation"]

MOST_LISTED, MOST_SHOWN = 12, 6


def fibrillation(found: Findings, strips: Strips, when: When) -> Html:
    """A table of episodes, and strips of the onsets of the longest."""
    if not found.episodes:
        return Html()
    longest = sorted(found.episodes, key=lambda one: (one.start_s - one.end_s, one.start_s))
    listed = sorted(longest[:MOST_LISTED], key=lambda one: one.start_s)
    shown = sorted(longest[:MOST_SHOWN], key=lambda one: one.start_s)
    more, hidden = len(found.episodes) - len(listed), len(found.episodes) - len(shown)
    rows = (
        (f"{when(one.start_s)}", when(one.end_s), length(one.end_s - one.start_s), rate(one.bpm))
        for one in listed
    )
    return section(
        "af",
        "Atrial fibrillation",
        note(
            f"Burden: {percent(found.summary.af_burden)} of the time that could be told. "
            "An episode begins where the first window of up to 30 s shows it: its true onset lies up to that "
            "long before or after. Atrial flutter may be counted as either."
        ),
        table("Episodes", ("from", "to", "length", "mean heart rate"), rows),
        note(
            f"The {MOST_LISTED} longest are listed; {number(more)} shorter ones are not." if more > 0 else ""
        ),
        *(figure(_onset(one, strips, when)) for one in shown),
        note(
            f"Onsets of the {len(shown)} longest are shown; those of {number(hidden)} others are not."
            if hidden
            else ""
        ),
    )


def _onset(one: Episode, strips: Strips, when: When) -> str:
    label = f"Onset of the episode at {when(one.start_s)} ({length(one.end_s - one.start_s)})"
    return strips.around(one.start_s, label)
