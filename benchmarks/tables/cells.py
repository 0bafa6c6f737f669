"""Cells and tables of the pages: figures of JSON files as a person reads them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

SHOWN = ("p50", "p99", "p99.9")

Found = dict[str, Any]
Row = tuple[str, str, str]


def table(results: Path, name: str, rows: Callable[[Found], Iterable[Row]]) -> str:
    """The table of a question, with what is measured, here, and as a ratio."""
    found = load(results, name)
    if not found:
        return f"Not measured yet: `python -m benchmarks {name}`.\n"
    return columns(rows(found), ("what", "here", "ratio")) + provenance(found["environment"])


def load(results: Path, name: str) -> Found:
    """Results of a question; empty where there are none."""
    path = results / f"{name}.json"
    found: Found = json.loads(path.read_text()) if path.is_file() else {}
    return found


def columns(rows: Iterable[tuple[str, ...]], names: tuple[str, ...]) -> str:
    """A table in Markdown."""
    lines = [names, tuple("---" for _ in names), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def provenance(measured: Found) -> str:
    """One line on where the figures come from, with what speaks against them."""
    # The benchmark before it leaves a load of one behind, which on two cores is a half.
    busy = measured["load_average"] > 0.75 * (measured["cores"] or 1)
    doubts = ["a quick run: rough"] * measured["quick"] + ["the machine was busy"] * busy
    doubt = f" ({'; '.join(doubts)})" if doubts else ""
    machine = f"{measured['cpu']}, {measured['machine']}, Python {measured['python']}"
    return f"\n{machine}, commit {measured['commit']}{doubt}: `{measured['command']}`.\n"


def or_reason(row: Found, cell: Callable[[Found], str]) -> str:
    """The cell of a row, or why it was not measured."""
    return f"not measured: {row['skipped']}" if "skipped" in row else cell(row)


def ms(row: Found) -> str:
    """Three quantiles in milliseconds."""
    return " / ".join(number(row[q]) for q in SHOWN) + " ms"


def as_times(*ratios: float | None) -> str:
    """Ratios, as far as they were measured."""
    return " / ".join("" if ratio is None else f"{number(ratio)} ×" for ratio in ratios).strip(" /")


def mb(size: float) -> str:
    """Bytes in MB."""
    return f"{number(size / 1e6)} MB"


def cpu(seconds: float) -> str:
    """CPU time."""
    return f"{number(seconds)} CPU s"


def code(name: str) -> str:
    """A function's name as code, behind that of its package."""
    package, _, function = name.partition(" ")
    return f"{package} `{function}`" if "_" in function or package == "ecgedge" else name


def number(value: float) -> str:
    """Two or three digits, which is what a benchmark can tell."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"
