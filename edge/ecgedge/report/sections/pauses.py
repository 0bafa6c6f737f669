"""Pauses, and the slowest and the fastest minute."""

from __future__ import annotations

from ecgedge.details import Minute
from ecgedge.report.findings.values import Findings
from ecgedge.report.page.markup import Html, figure, note, section, table
from ecgedge.report.page.telling import When, number, rate
from ecgedge.report.strips import BRIEF_S, Strips
from ecgedge.summary import MINUTE_S, PAUSE_S

__all__ = ["extremes", "pauses"]

MOST_LISTED, MOST_SHOWN = 10, 3


def pauses(found: Findings, strips: Strips, when: When) -> Html:
    """The longest pauses, and strips of the first of them; without one, the longest interval."""
    if found.longest is None:
        return Html()
    longest = sorted(found.pauses, key=lambda one: (-one.seconds, one.start_s))
    rows = ((when(one.start_s), f"{one.seconds:.2f} s") for one in longest[:MOST_LISTED])
    more = found.summary.pauses - min(len(longest), MOST_LISTED)
    shown = longest[:MOST_SHOWN]
    return section(
        "pauses",
        "Pauses",
        table(f"RR intervals over {PAUSE_S:g} s, the longest first", ("from", "length"), rows),
        note(f"{number(more)} shorter ones are not listed." if more > 0 else ""),
        note("" if longest else f"None over {PAUSE_S:g} s: the longest RR interval is shown."),
        *(
            figure(
                strips.around(
                    (one.start_s + one.end_s) / 2,
                    f"RR interval of {one.seconds:.2f} s, {when(one.start_s)}",
                    BRIEF_S,
                )
            )
            for one in shown or [found.longest]
        ),
    )


def extremes(found: Findings, strips: Strips, when: When) -> Html:
    """A strip of the slowest and of the fastest minute."""
    named = (("Slowest", found.slowest), ("Fastest", found.fastest))
    drawn = [_minute(name, minute, strips, when) for name, minute in named if minute is not None]
    if found.slowest == found.fastest:
        drawn = drawn[:1]
    return section("extremes", "Slowest and fastest minute", *map(figure, drawn))


def _minute(name: str, minute: Minute, strips: Strips, when: When) -> str:
    label = f"{name} minute, {rate(minute.bpm)}, {when.minute(minute.start_s)}"
    return strips.within(minute.start_s, minute.start_s + MINUTE_S, label)
