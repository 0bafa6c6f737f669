"""The table of the compiled core beside the numpy code in its place, and beside others."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.harness.figures import ratio
from benchmarks.harness.not_measured import skipped
from benchmarks.tables.cells import Found, Row, as_times, code, cpu, mb, ms, number, or_reason, table

_CORES = {"c": "C", "numpy": "numpy"}
_RUNTIMES = {
    "core": "its own networks",
    "litert": "LiteRT",
    "onnx": "ONNX Runtime",
    "tflite": "tflite-runtime",
}


def cores(results: Path) -> str:
    """Live, cold, many wearables, archives, start."""
    return table(results, "cores", _rows)


def _rows(found: Found) -> Iterable[Row]:
    best = min((s for r in found["live"].values() if (s := r.get("cpu_s_per_h"))), default=None)
    for name, row in found["live"].items():
        times = as_times(ratio(row.get("cpu_s_per_h"), best))
        yield f"an hour at 130 Hz live, {_core(name)}", or_reason(row, _hour), times
    for name, row in found["again_each_second"].items():
        times = as_times(ratio(row.get("cpu_s_per_h"), best))
        yield f"{code(name)} again each second", or_reason(row, _hour), times
    for core, hows in found["paced"].items():
        for how, row in hows.items():
            what = f"notification to event, 50 / 99 / 99.9 %, {how}, {_CORES[core]}"
            yield what, or_reason(row, lambda r: ms(r["wall_ms"])), ""
    yield from _many_rows(found)
    for name, row in found["ready"].items():
        who = _RUNTIMES.get(name, name)
        yield f"ready to connect and to name, {who}", or_reason(row, _start), ""


def _many_rows(found: Found) -> Iterable[Row]:
    row = found["fleet"]["c"]
    yield "1,000 wearables in one process, share of a core", or_reason(row, _share), ""
    yield "their memory, the process in all", or_reason(row, lambda r: mb(1024 * r["rss_kb"])), ""
    whole = {name: row.get("cpu_s") for name, row in found["archive"].items() if not skipped(row)}
    best = min(whole.values(), default=None)
    for name, row in found["archive"].items():
        times = as_times(ratio(row.get("cpu_s"), best))
        yield f"24 h at 250 Hz at once, `classify`, {_core(name)}", or_reason(row, _archive), times


def _core(name: str) -> str:
    core, runtime = name.split(", ")
    return f"{_CORES[core]} core, {_RUNTIMES[runtime]}"


def _hour(row: Found) -> str:
    return cpu(row["cpu_s_per_h"])


def _share(row: Found) -> str:
    return f"{number(row['cores_for_all'])}"


def _start(row: Found) -> str:
    return f"{number(row['cpu_s'])} CPU s, {mb(1024 * row['rss_kb'])}"


def _archive(row: Any) -> str:
    return f"{cpu(row['cpu_s'])}, {mb(1024 * row['growth_kb'])} beside the array"
