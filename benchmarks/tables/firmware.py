"""The table of a stream on a microcontroller."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from benchmarks.tables.cells import Found, Row, or_reason, table


def firmware(results: Path) -> str:
    """Flash, memory and instructions, by rate, with and without rhythm."""
    return table(results, "firmware", _rows)


def _rows(found: Found) -> Iterable[Row]:
    for name, row in found["streams"].items():
        yield f"{name}: flash, RAM, stack", or_reason(row, _memory), ""
        yield f"{name}: instructions for a second of ECG; the second with the most", or_reason(row, _work), ""


def _memory(row: Found) -> str:
    sizes = (row[f"{what}_bytes"] / 1000 for what in ("flash", "ram", "stack"))
    return " / ".join(f"{size:.0f}" for size in sizes) + " kB"


def _work(row: Found) -> str:
    return f"{1e-6 * row['instructions'] / row['seconds']:.1f} million; {1e-6 * row['most_in_a_second']:.0f}"
