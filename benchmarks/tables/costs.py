"""Tables of what it costs: latency, memory, CPU time, and what was measured on a board."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from benchmarks.tables.cells import (
    SHOWN,
    Found,
    Row,
    as_times,
    code,
    columns,
    cpu,
    load,
    mb,
    ms,
    number,
    or_reason,
    origin,
    table,
)

_RUNTIMES = {"litert": "LiteRT", "onnx": "ONNX Runtime", "tflite": "tflite-runtime"}
_STAGES = {"model": "rhythm model", "hrv": "HRV"}


def latency(results: Path) -> str:
    """From a notification to an event, models, cold start."""
    return table(results, "latency", _latency_rows)


def _latency_rows(found: Found) -> Iterable[Row]:
    again, event = found["again_each_second"], found["chain"]["event_ms"]["any"]
    yield "notification to event, 50 / 99 / 99.9 %", ms(event), "1"
    alone = found["chain"]["event_cpu_ms"]["any"]
    yield "the same in CPU time, to which other work on the machine adds little", ms(alone), ""
    seen = found["chain"]["signal_delay_s"]["beat"]
    told = f"{number(seen['p50'])} / {number(seen['p99'])} s"
    yield "signal after a beat's R peak that has to come before it is told, 50 / 99 %", told, ""
    for runtime, row in found["models"]["rhythm"].items():
        if runtime in _RUNTIMES:
            name = f"of it the rhythm model, INT8, {_RUNTIMES[runtime]}"
            yield name, or_reason(row, lambda r: ms(r["ms"])), ""
    floats = found["ratios"]["onnx_float_over_int8"]["rhythm"]
    row = found["models"]["rhythm"]["onnx float"]
    yield "its float parent, ONNX Runtime, over INT8", or_reason(row, lambda r: ms(r["ms"])), as_times(floats)
    for name, row in again.items():
        times = as_times(*(found["ratios"]["again_each_second"][name].get(q) for q in SHOWN))
        yield (
            f"{code(name)} again each second over the last 10 s",
            or_reason(row, lambda r: ms(r["ms"])),
            times,
        )
    yield from _cold_rows(found["cold_start_s"], found["ratios"]["cold_start"])


def _cold_rows(cold: Found, ratios: Found) -> Iterable[Row]:
    for name, row in cold.items():
        if name.startswith("python"):
            continue
        times = as_times(ratios[name]) if name in ratios else "1"
        what = f"from starting Python to the first result, {code(name)}"
        yield what, or_reason(row, lambda r: f"{number(r['median'])} s"), times


def memory(results: Path) -> str:
    """Resident memory, disk, imports."""
    return table(results, "memory", _memory_rows)


def _memory_rows(found: Found) -> Iterable[Row]:
    ratios = found["ratios"]
    for runtime, row in found["live"].items():
        name = f"process that streams, {_RUNTIMES[runtime]}: most memory"
        yield name, or_reason(row, lambda r: mb(1024 * r["peak_kb"])), "1" if runtime == "litert" else ""
    for name, row in found["in_use"].items():
        told = or_reason(row, lambda r: mb(1024 * r["peak_kb"]))
        yield f"{name} after one call: most memory", told, as_times(ratios["rss_in_use"][name])
    yield _day_row(found["day"])
    yield from _download_rows(found["download"], ratios["download"])
    yield "on disk, with all that it needs: ecgedge", mb(found["installed"]["ecgedge"]["bytes"]), "1"
    for name, times in ratios["installed"].items():
        told = or_reason(found["installed"][name], lambda r: mb(r["bytes"]))
        yield f"on disk, with all that it needs: {name}", told, as_times(times)
    yield "the wheel, models included", or_reason(found["wheel"], lambda r: mb(r["bytes"])), ""
    ready = found["imports"]["ecgedge, ready to work"]["seconds"]
    yield "import and models loaded: ecgedge", f"{number(ready)} s", "1"
    for name, times in ratios["import_seconds"].items():
        told = or_reason(found["imports"][name], lambda r: f"{number(r['seconds'])} s")
        yield f"import alone: {name}", told, as_times(times)


def _download_rows(download: Found, times: float | None) -> Iterable[Row]:
    for name, ratio in (("ecgedge", "1"), ("heartkit", as_times(times))):
        what = f"wheels to download, with all that it needs: {name}"
        yield what, or_reason(download[name], lambda r: mb(r["bytes"])), ratio


def _day_row(day: Found) -> Row:
    hours = number(day.get("streamed_s", 86400) / 3600)
    return f"growth while {hours} h are streamed", or_reason(day, lambda r: mb(1024 * r["growth_kb"])), ""


def throughput(results: Path) -> str:
    """CPU seconds of an hour."""
    return table(results, "throughput", _throughput_rows)


def _throughput_rows(found: Found) -> Iterable[Row]:
    row, growth, ratios = found["rows"][0], found["growth"], found["ratios"]
    yield f"an hour at 130 Hz, {row['signal']}", cpu(row["whole_s"]), "1"
    shares = (f"{_STAGES.get(n, n)} {100 * s / row['whole_s']:.0f} %" for n, s in row["stages_s"].items())
    yield "of it", ", ".join(shares), ""
    for other in found["rows"][1:]:
        yield (
            f"the same, {other['signal']}",
            cpu(other["whole_s"]),
            as_times(other["whole_s"] / row["whole_s"]),
        )
    yield "wearables in real time on a core", f"{growth['wearables_per_core']['1']:,.0f}", ""
    yield from _floor_rows(found["floor"])
    for what, key, base in (
        ("at {} Hz instead of 130", "by_rate_hz", "130"),
        ("{} wearables in one process, each", "by_wearables", "1"),
        ("a rhythm window every {} s instead of 10", "by_hop_s", "10"),
    ):
        for value, seconds in growth[key].items():
            if value != base:
                yield what.format(value), cpu(seconds), as_times(seconds / growth[key][base])
    for name, row in found["rivals"]["again_each_second"].items():
        told = or_reason(row, lambda r: cpu(r["cpu_s_per_h"]))
        yield f"{code(name)} again each second", told, as_times(ratios["again_each_second"][name])
    for name, seconds in found["at_once"].items():
        yield f"a whole recording at once, {code(name)}", cpu(seconds), "1"
    for name, row in found["rivals"]["at_once"].items():
        told = or_reason(row, lambda r: cpu(r["cpu_s_per_h"]))
        yield f"the same, {code(name)}", told, as_times(ratios["at_once"][name])


def _floor_rows(floor: Found) -> Iterable[Row]:
    """The rhythm model against its multiplications; the other model is too small to be bound by them."""
    if "skipped" in floor:
        yield "the rhythm model's multiplications alone", or_reason(floor, str), ""
        return
    row, rate = floor["models"]["rhythm"], number(floor["multiply_adds_per_s"] / 1e9)
    millions = number(row["multiply_adds"] / 1e6)
    what = f"the rhythm model's {millions} million multiply-adds alone, at {rate} billion a second"
    yield what, f"{number(row['floor_ms'])} ms", "1"
    for runtime, took in row["ms"].items():
        told = or_reason(took, str) if isinstance(took, dict) else f"{number(took)} ms"
        yield f"the rhythm model in {_RUNTIMES[runtime]}", told, as_times(row["over_floor"].get(runtime))


def boards(results: Path) -> str:
    """What was measured on a board, if anything was."""
    found = {name: load(results / "pi", name) for name in ("latency", "memory", "throughput")}
    if not all(found.values()):
        return (
            "No board was measured yet. `make bench-pi` on a Raspberry Pi writes its figures to\n"
            "`benchmarks/results/pi`, and `python benchmarks/tables.py` puts them here.\n"
        )
    rows = [
        ("notification to event, 50 / 99 / 99.9 %", ms(found["latency"]["chain"]["event_ms"]["any"]), ""),
        *((n, v, "") for n, v, _ in _memory_rows(found["memory"]) if n.startswith(("process", "growth"))),
        ("an hour of ECG at 130 Hz", cpu(found["throughput"]["rows"][0]["whole_s"]), ""),
    ]
    return columns([row[:2] for row in rows], ("what", "here")) + origin(found["throughput"]["environment"])
