"""What the wearer marked, each with the signal around it."""

from __future__ import annotations

from ecgedge.events import Mark
from ecgedge.report.drawing.scale import GAIN_MM_MV, SPEED_MM_S
from ecgedge.report.findings.values import Findings
from ecgedge.report.page.markup import Html, figure, note, section, table
from ecgedge.report.page.plainly import rhythm_at
from ecgedge.report.page.telling import When, number
from ecgedge.report.strips import STRIP_S, Strips

__all__ = ["marks"]

MOST_SHOWN = 12
BESIDE_S = 30.0


def marks(found: Findings, strips: Strips, when: When, *, shown: bool = True) -> Html:
    """A table of marks, and for each 14 s to scale and the minute around it at half the scale.

    Without ``shown`` the table alone: all of the ECG is on the page already.
    """
    if not found.marks:
        return Html()
    rows = ((when(mark.time_s), mark.text or "–", rhythm_at(found, mark.time_s)) for mark in found.marks)
    more = found.mark_count - len(found.marks)
    drawn = found.marks[:MOST_SHOWN] if shown else ()
    hidden = found.mark_count - len(drawn) if shown else 0
    return section(
        "marks",
        "Marks of the wearer",
        table("Moments that were marked", ("when", "what was felt or done", "rhythm"), rows),
        note(f"{number(more)} later ones are not listed." if more > 0 else ""),
        *(_around(mark, strips, when) for mark in drawn),
        note(f"The signal around {number(hidden)} more is not shown." if hidden > 0 else ""),
    )


def _around(mark: Mark, strips: Strips, when: When) -> Html:
    what = f"{when(mark.time_s)} “{mark.text}”" if mark.text else when(mark.time_s)
    near = strips.around(mark.time_s, f"Mark at {what}: {STRIP_S / 2:g} s before and after")
    start_s = max(mark.time_s - BESIDE_S, 0.0)
    minute = strips.between(
        start_s, mark.time_s + BESIDE_S - start_s, f"{what}: 30 s before and after, half the scale",
        gain_mm_mv=GAIN_MM_MV / 2, speed_mm_s=SPEED_MM_S / 2,
    )  # fmt: skip
    return Html(figure(near) + figure(minute))
