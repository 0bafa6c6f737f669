"""What the card of a rhythm model says about the panel that taught it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ecgedge_export.ship.markdown import table

Report = Mapping[str, Any]
_POINTS = ("mean F1", "mean F1 at 12 dB", "mean F1 at 0 dB", "mean F1, first 10 s", "PTB-XL, mean F1")


def panel_worth(trials: Report) -> list[str]:
    """Lines about every way to learn, as :func:`ecgedge_export.rhythm.panel.compare.compare` gives them."""
    rows = [(name, row["against"], *(_gain(row[key]) for key in _POINTS)) for name, row in trials.items()]
    low = trials["answers"]["mean F1"]["gain_95"][0]
    verdict = (
        "The panel's answers raise the mean F1."
        if low > 0
        else "It is not shown that the panel's answers raise the mean F1: the interval holds zero."
    )
    return [
        "### What the teachers are worth",
        "",
        "Float students, the last window of each recording, no gate: points (of 0.01) over the way that",
        "differs in one thing, mean of the seeds, with 95 % intervals by bootstrap over recordings. Noise is",
        "the second half of NSTDB; PTB-XL is lead I of folds 7 to 9. The panel knew the labels of CinC 2017.",
        "",
        *table(("learns from", "against", *_POINTS), rows),
        verdict,
        "",
    ]


def _gain(row: Report) -> str:
    span: Sequence[float] = row["gain_95"]
    if not any(span):
        return "-"
    return f"{100 * row['gain']:+.1f} ({100 * span[0]:+.1f} to {100 * span[1]:+.1f})"
