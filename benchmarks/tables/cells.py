"""Cells and tables of the README: figures of JSON files as a person reads them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

SHOWN = ("p50", "p99", "p99.9")

Found = dict[str, Any]
Row = tuple[str, str, str]


def table(results: Path, name: str, rows: Callable[[Found], Iterable[Row]]) -> str:
    found = load(results, name)
    if not found:
        return f"Not measured yet: `python benchmarks/{name}.py`.\n"
    return columns(rows(found), ("what", "here", "ratio")) + origin(found["environment"])


def load(results: Path, name: str) -> Found:
    path = results / f"{name}.json"
    found: Found = json.loads(path.read_text()) if path.is_file() else {}
    return found


def columns(rows: Iterable[tuple[str, ...]], names: tuple[str, ...]) -> str:
    lines = [names, tuple("---" for _ in names), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def origin(measured: Found) -> str:
    """One line on where the figures come from, with what speaks against them."""
    busy = measured["load_average"] > 0.75 * (measured["cores"] or 1)  # one is the benchmark before it
    doubts = ["a quick run: rough"] * measured["quick"] + ["the machine was busy"] * busy
    doubt = f" ({'; '.join(doubts)})" if doubts else ""
    machine = f"{measured['cpu']}, {measured['machine']}, Python {measured['python']}"
    return f"\n{machine}, commit {measured['commit']}{doubt}: `{measured['command']}`.\n"


def or_reason(row: Found, told: Callable[[Found], str]) -> str:
    return f"not measured: {row['skipped']}" if "skipped" in row else told(row)


def ms(row: Found) -> str:
    return " / ".join(number(row[q]) for q in SHOWN) + " ms"


def as_times(*ratios: float | None) -> str:
    return " / ".join("" if ratio is None else f"{number(ratio)} ×" for ratio in ratios).strip(" /")


def mb(size: float) -> str:
    return f"{number(size / 1e6)} MB"


def cpu(seconds: float) -> str:
    return f"{number(seconds)} CPU s"


def code(name: str) -> str:
    """A function's name as code, behind that of its package."""
    package, _, function = name.partition(" ")
    return f"{package} `{function}`" if "_" in function or package == "ecgedge" else name


def number(value: float) -> str:
    """Two or three digits, which is what a benchmark can tell."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"
