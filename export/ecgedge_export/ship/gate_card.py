"""What the card of the noise gate reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecgedge_export.ship.markdown import table

Refused = Mapping[str, float]


def measured_gate(metrics: Mapping[str, Any]) -> list[str]:
    """What the gate refuses, and what its score means."""
    lengths: Mapping[str, Mapping[str, Refused]] = metrics["folds"]
    groups = dict.fromkeys(group for rows in lengths.values() for group in rows)
    rows = [
        (group, *(cell for of in lengths.values() for cell in _refusals(of.get(group)))) for group in groups
    ]
    noise = metrics["noise_share"]
    return [
        "## Measured",
        "",
        "Share of windows that are refused, by data set and kind, by gates that did not see the record (five",
        "folds by record of the training data). The windows of 10 s chose the threshold: no group of sinus",
        "rhythm, atrial fibrillation or ectopy of CinC 2017, MIT-BIH and svdb loses more. The gain of the",
        "motion artefacts is a guess. `ecgedge-export evaluate gate` measures on what trained nothing.",
        "",
        *table(("windows", *(cell for length in lengths for cell in (f"of {length}", "refused, %"))), rows),
        f"The score is the probability that a window is usable where {100 * noise:.1f} % of the windows are",
        f"noise, as in CinC 2017 (expected calibration error {metrics['calibration_error']:.3f}). Where",
        f"a share q is noise, multiply its odds by {noise / (1 - noise):.4f} (1 - q) / q. The window before",
        "moves the odds, by a factor of 4 at most: noise comes in runs.",
        "",
    ]


def _refusals(row: Refused | None) -> tuple[str, str]:
    return (str(row["n"]), f"{100 * row['refused']:.1f}") if row else ("", "")
