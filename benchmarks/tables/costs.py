"""Tables of what it costs: latency, memory, CPU time, and what was measured on a board."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from benchmarks.harness.figures import ratio
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
    provenance,
    table,
)

_RUNTIMES = {"core": "own C code", "litert": "LiteRT", "onnx": "ONNX Runtime", "tflite": "tflite-runtime"}
# Titles of stages whose name alone is not enough; results before Models have "model" for the rhythm.
_STAGES = {"rhythm": "rhythm model", "model": "rhythm model", "hrv": "HRV"}


def latency(results: Path) -> str:
    """From a notification to an event, models, cold start."""
    return table(results, "latency", _latency_rows)


def _latency_rows(found: Found) -> Iterable[Row]:
    again, event = found["again_each_second"], found["chain"]["event_ms"]["any"]
    yield "notification to event, 50 / 99 / 99.9 %", ms(event), "1"
    alone = found["chain"]["event_cpu_ms"]["any"]
    yield "the same in CPU time, to which other work on the machine adds little", ms(alone), ""
    seen = found["chain"]["signal_delay_s"]["beat"]
    delay = f"{number(seen['p50'])} / {number(seen['p99'])} s"
    yield "signal after a beat's R peak that has to come before it is told, 50 / 99 %", delay, ""
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
    ratios, day = found["ratios"], found["day"]
    for runtime, row in found["live"].items():
        name = f"process that streams, {_RUNTIMES[runtime]}: most memory"
        yield name, or_reason(row, _peak), "1" if runtime == "core" else ""
    for name, row in found["in_use"].items():
        yield (
            f"{name} after one call: most memory",
            or_reason(row, _peak),
            as_times(ratios["rss_in_use"][name]),
        )
    hours = number(day.get("streamed_s", 86400) / 3600)
    yield f"growth while {hours} h are streamed", or_reason(day, lambda r: mb(1024 * r["growth_kb"])), ""
    yield from _size_rows("wheels to download", found["download"])
    yield from _size_rows("on disk", found["installed"])
    yield "the wheel, models included", or_reason(found["wheel"], _size), ""
    ready = found["imports"]["ecgedge, ready to work"]["seconds"]
    yield "import and models loaded: ecgedge", f"{number(ready)} s", "1"
    for name, times in ratios["import_seconds"].items():
        row = found["imports"][name]
        yield f"import alone: {name}", or_reason(row, lambda r: f"{number(r['seconds'])} s"), as_times(times)


def _size_rows(what: str, sizes: Found) -> Iterable[Row]:
    """Ours, and how many times as much the others are."""
    ours = sizes["ecgedge"].get("bytes")
    for name, row in sizes.items():
        times = "1" if name == "ecgedge" else as_times(ratio(row.get("bytes"), ours))
        yield f"{what}, with all that it needs: {name}", or_reason(row, _size), times


def _size(row: Found) -> str:
    return mb(row["bytes"])


def _peak(row: Found) -> str:
    return mb(1024 * row["peak_kb"])


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
        times = as_times(ratios["again_each_second"][name])
        yield f"{code(name)} again each second", or_reason(row, _an_hour), times
    for name, seconds in found["at_once"].items():
        yield f"a whole recording at once, {code(name)}", cpu(seconds), "1"
    for name, row in found["rivals"]["at_once"].items():
        yield f"the same, {code(name)}", or_reason(row, _an_hour), as_times(ratios["at_once"][name])


def _an_hour(row: Found) -> str:
    return cpu(row["cpu_s_per_h"])


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
        cell = or_reason(took, str) if isinstance(took, dict) else f"{number(took)} ms"
        yield f"the rhythm model in {_RUNTIMES[runtime]}", cell, as_times(row["over_floor"].get(runtime))


def boards(results: Path) -> str:
    """What was measured on a board, if anything was."""
    found = {name: load(results / "pi", name) for name in ("latency", "memory", "throughput")}
    if not all(found.values()):
        return (
            "No board was measured yet. `make bench-pi` on a Raspberry Pi writes its figures to\n"
            "`benchmarks/results/pi`, and `python -m benchmarks tables` puts them here.\n"
        )
    rows = [
        ("notification to event, 50 / 99 / 99.9 %", ms(found["latency"]["chain"]["event_ms"]["any"]), ""),
        *((n, v, "") for n, v, _ in _memory_rows(found["memory"]) if n.startswith(("process", "growth"))),
        ("an hour of ECG at 130 Hz", cpu(found["throughput"]["rows"][0]["whole_s"]), ""),
    ]
    return columns([row[:2] for row in rows], ("what", "here")) + provenance(
        found["throughput"]["environment"]
    )
