"""What the card of a wave model says about its borders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecgedge_export.ship.markdown import table

Report = Mapping[str, Any]
_HEAD = ("border", "marked", "Se %", "P+ %", "mean error ms", "SD ms", "CSE ms")


def measured_waves(report: Report) -> list[str]:
    """Lines about the borders in folds by person, as ``ecgedge_export.waves.scores.report`` gives them."""
    borders = {name: row for name, row in report.items() if isinstance(row, Mapping)}
    return [
        "## Measured",
        "",
        f"LUDB, {report['people']} people, leads {report['leads']}, INT8 through `ecgedge.delineate` at",
        "500 Hz: each fold of people by a network of the same recipe that the other folds taught; what is",
        "shipped is taught by all of them. Borders are matched within 150 ms. The last column is what the",
        "CSE working party allows (two standard deviations of its experts). 95 % intervals, by bootstrap",
        "over people, in brackets. The recipe was chosen on the first fold.",
        "",
        *table(_HEAD, [_row(name, row) for name, row in borders.items()]),
    ]


def _row(name: str, row: Report) -> tuple[object, ...]:
    cells = (_with_interval(row, key) for key in ("se", "p_plus", "mean_ms", "sd_ms"))
    return name, int(row["marked"]), *cells, row.get("cse_2sd_ms", "-")


def _with_interval(row: Report, key: str) -> str:
    if row[key] is None:
        return "-"
    low, high = row[f"{key}_95"]
    return f"{row[key]:.1f} ({low:.1f} to {high:.1f})"
