"""The table of the phone app: what it costs, beside what is asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from benchmarks.tables.cells import Found, Row, columns, cpu, load, mb, number, or_reason, provenance


def phone(results: Path) -> str:
    """Download, start, processor, memory."""
    found = load(results, "phone")
    if not found:
        return "Not measured yet: `python -m benchmarks phone`.\n"
    return columns(_rows(found), ("what", "here", "asked")) + provenance(found["environment"])


def _rows(found: Found) -> Iterable[Row]:
    asked, browser, start = found["targets"], found["browser"], found["node"]["start"]

    def of_page(cell: Callable[[Any], str]) -> str:
        return or_reason(browser, cell)

    way = or_reason(found["download"], lambda row: mb(1e6 * row["way_mb"]))
    yield "download, once", way, f"{asked['download_mb']:.0f} MB"
    yield "on the phone", or_reason(found["download"], lambda row: mb(1e6 * row["mb"])), ""
    yield "the first visit, until it is ready", of_page(lambda row: _start(row["starts"]["cold"])), ""
    most = f"{asked['ready_cpu_s']:.0f} CPU s"
    yield (
        "a later one, from the phone's own storage",
        of_page(lambda row: _start(row["starts"]["warm"])),
        most,
    )
    yield "of that Python, numpy and ecgedge, in Node", or_reason(start, _steps), ""
    most = f"{asked['hour_cpu_s']:.0f} CPU s"
    yield (
        "an hour of ECG at 130 Hz, at once",
        of_page(lambda row: _hour(row["at_once"])),
        most,
    )
    yield "the same behind another tab", of_page(lambda row: _hour(row["hidden"])), ""
    yield "live, with the page shown", of_page(lambda row: _hour(row["live"])), ""
    for name, row in found["node"]["hours"].items():
        yield f"the analysis alone, in Node, {name}", or_reason(row, lambda one: cpu(one["hour_s"])), ""
    yield "memory of an empty page", of_page(lambda row: f"{number(row['empty']['pss_mb'])} MB"), ""
    yield "of the app's page when it is ready", of_page(lambda row: _memory(row["starts"]["warm"])), ""
    most = f"{asked['memory_mb']:.0f} MB"
    yield "after an hour of ECG", of_page(lambda row: _memory(row["memory"]["ended"])), most


def _hour(row: Found) -> str:
    return f"{cpu(row['cpu_s_per_hour'])}, of it the worker's {number(row['worker_cpu_s_per_hour'])}"


def _start(row: Found) -> str:
    return f"{cpu(row['cpu_s'])}, {number(row['wall_s'])} s"


def _steps(row: Found) -> str:
    return cpu(max(row["steps_s"].values()))


def _memory(row: Found) -> str:
    return f"{number(row['pss_mb'])} MB, of it WebAssembly's {number(row['wasm_mb'])}"
