"""Eleven guessed leads, for those who ask for them, with what they are worth."""

from __future__ import annotations

import numpy as np

from ecgedge.report.drawing.paper import strip
from ecgedge.report.drawing.scale import row_seconds
from ecgedge.report.findings.values import Findings
from ecgedge.report.page.markup import Html, drawing, figure, paragraph, section
from ecgedge.report.sections.examples import example_s
from ecgedge.report.strips import Strips

__all__ = ["twelve_leads"]

MEASURED = "I"
_SHOWN_S = row_seconds(5.0)


def twelve_leads(found: Findings, strips: Strips) -> Html:
    """Five seconds of the first example in twelve leads, eleven of which were never measured."""
    from ecgedge.leads.reconstruct import LeadReconstructor

    at = example_s(found)
    mv, start_s = strips.signal(found.seconds / 2 if at is None else at[1])
    if not len(mv) or not np.isfinite(mv).all():
        return Html()
    stream = LeadReconstructor(fs=found.fs)
    blocks = [*stream.feed(mv), *stream.finish()]
    if not blocks:
        return Html()
    leads = {name: np.concatenate([block.leads[name] for block in blocks]) for name in blocks[0].leads}
    first = round((len(mv) / found.fs - _SHOWN_S) / 2 * found.fs)
    drawn = [
        strip(
            values[first : first + round(_SHOWN_S * found.fs)], found.fs, start_s=start_s + first / found.fs,
            seconds=_SHOWN_S, label=name if name == MEASURED else f"{name}, guessed", clock=found.start,
        )
        for name, values in leads.items()
    ]  # fmt: skip
    return section(
        "leads",
        "Twelve leads, eleven of them guessed",
        paragraph(stream.warning, "warning"),
        figure(drawing(*drawn)),
    )
