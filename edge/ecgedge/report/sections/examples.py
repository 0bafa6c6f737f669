"""The signal itself: all of a short recording, else a stretch of what there is most of."""

from __future__ import annotations

from ecgedge.report.drawing.charts import KINDS
from ecgedge.report.findings.values import Findings
from ecgedge.report.page.markup import Html, figure, section
from ecgedge.report.page.telling import When
from ecgedge.report.strips import STRIP_S, Strips

__all__ = ["MOST_WHOLE_S", "example", "example_s", "whole"]

MOST_WHOLE_S = 121.0  # two pages of paper


def whole(found: Findings, strips: Strips) -> Html:
    """Draw all of a recording of at most two minutes."""
    return section("ecg", "The ECG", figure(strips.between(0.0, found.seconds, "All of it")))


def example(found: Findings, strips: Strips, when: When) -> Html:
    """Draw a strip of the rhythm that there is most of."""
    found_at = example_s(found)
    if found_at is None:
        return Html()
    kind, middle_s = found_at
    label = f"{KINDS[kind][0].capitalize()}, {when(middle_s - STRIP_S / 2)}"
    return section("example", "The usual rhythm", figure(strips.around(middle_s, label)))


def example_s(found: Findings) -> tuple[str, float] | None:
    """Return the kind of rhythm that lasted longest in all, and the middle of its longest stretch."""
    lasted: dict[str, float] = {}
    for span in found.rhythms:
        lasted[span.kind] = lasted.get(span.kind, 0.0) + span.end_s - span.start_s
    told = {kind: seconds for kind, seconds in lasted.items() if kind in KINDS and kind != "~"}
    if not told:
        return None
    kind = max(sorted(told), key=lambda one: told[one])
    longest = max(
        (span for span in found.rhythms if span.kind == kind), key=lambda one: one.end_s - one.start_s
    )
    return kind, (longest.start_s + longest.end_s) / 2
