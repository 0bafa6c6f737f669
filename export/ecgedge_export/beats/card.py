"""What the card of a beat detector says about the beats that it finds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecgedge_export.ship.markdown import table


def measured_beats(report: Mapping[str, Any]) -> list[str]:
    """Lines about MIT-BIH DS2, as ``ecgedge_export.beats.scores`` reports it."""
    within = {name: row for name, row in report.items() if name.endswith(" ms")}
    return [
        "## Measured",
        "",
        f"MIT-BIH DS2, {report['records']} records of half an hour, first lead, gross; no record of these",
        "trained it, but 202 is the person of 201, which did. `ecgedge-export evaluate beats` measures with",
        "noise too.",
        "",
        *table(("within", "Se %", "P+ %", "F1 %"), [(name, *row.values()) for name, row in within.items()]),
        "Most beats missed or made up, within the first tolerance:",
        "",
        *table(
            ("record", "missed", "made up"),
            [(row["record"], row["missed"], row["made_up"]) for row in report["worst"]],
        ),
    ]
