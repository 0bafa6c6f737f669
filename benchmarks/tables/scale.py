"""Tables of many recordings, and of many wearables, at a time."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from benchmarks.tables.cells import (
    Found,
    Row,
    as_times,
    code,
    columns,
    load,
    mb,
    number,
    or_reason,
    provenance,
    table,
)  # fmt: skip


def batch(results: Path) -> str:
    """Hours of ECG a second, how they grow with workers, memory, and other packages on such a cluster."""
    return table(results, "batch", _batch_rows)


def _batch_rows(found: Found) -> Iterable[Row]:
    yield f"{found['signal']}, files of {number(found['hours'] / found['files'])} h", str(found["files"]), ""
    for row in found["workers"].values():
        workers = f"{row['workers']} worker{'s' * (row['workers'] > 1)}"
        times = as_times(found["figures"]["speedup"]) if row["workers"] > 1 else "1"
        yield f"{workers}: hours of ECG a second, the whole command", number(row["hours_per_s"]), times
        yield f"{workers}: times real time, per core", number(row["times_real_time_per_core"]), ""
        each = " / ".join(mb(1e6 * one["worker_mb"]) for one in row["memory_after_quarters"])
        yield f"{workers}: memory of the largest after each quarter of the files", each, ""
        last = row["memory_after_quarters"][-1]["driver_mb"]
        yield f"{workers}: memory of the driver with its scheduler, at the end", mb(1e6 * last), ""
    same = "the same bytes" if found["same_results"] else "other bytes"
    yield "results of one and of more workers", same, ""
    unlike = found["unlike_replay"]
    lines = f"not of {', '.join(unlike)}" if unlike else "the same lines"
    yield f"{found['replayed']} files, chosen by their digests, beside `ecgedge replay --json`", lines, ""
    for name, row in found["rivals"].items():
        what = f"{code(name)} on as many workers: hours of ECG a second, {row.get('files', 0)} files"
        fewer = found["times_as_fast_as"][name]
        cell = or_reason(row, lambda r: number(r["hours_per_s"]))
        yield what, cell, as_times(fewer and 1 / fewer)


def gateway(results: Path) -> str:
    """What a ward costs one core, and whether anything of it was lost."""
    return table(results, "gateway", _gateway_rows)


def _gateway_rows(found: Found) -> Iterable[Row]:
    packets, minutes = found["packets"], round(found["seconds"] / 60)
    yield (
        f"{found['wearables']} wearables, each recorded: share of a core",
        _share(found["figures"]["share_of_a_core"]),
        "",
    )
    memory = " / ".join(mb(1e6 * found["rss_mb"][when]) for when in ("warm", "end"))
    yield "memory after a minute / at the end", memory, ""
    yield f"samples of {minutes} min at {number(found['speed'])} times real time", f"{found['sent']:,}", ""
    yield "of them lost", f"{found['figures']['lost']:,.0f}", ""
    yield "packets that nodes sent again", f"{packets['times_sent_again']:,}", ""
    yield "events that JSON lines and Prometheus missed", f"{found['sink_missed']:,.0f}", ""


_HOURS_A_MONTH = 24 * 30
_MODES = {
    "raw": "notifications (`ecgedge forward`), kept as a recording",
    "events": "events (`ecgedge run --send mqtt://`), kept as JSON lines",
    "states": "states alone (the same with `?events=no`)",
    "words": "words of the beats in packets, kept as `.ecgt`",
}


def fleet(results: Path) -> str:
    """What a number of straps costs, what gave first, and bytes of a strap's hour and month."""
    found = load(results, "fleet")
    if not found:
        return "Not measured yet: `python -m benchmarks fleet`.\n"
    loads = ("straps", "CPU of the gateway", "wanted", "its memory", "broker", "straps' process")
    stages = columns(map(_stage, found["stages"]), (*loads, "events after, 50 / 99 %", "what gave first"))
    names = ("over the broker", "an hour", "a month", "kept a month", "CPU at home, an hour")
    return f"{stages}\n{columns(_thin(found['thin']), names)}{provenance(found['environment'])}"


def _stage(row: Found) -> tuple[str, ...]:
    if "skipped" in row:
        return (f"not measured: {row['skipped']}", *[""] * 7)
    gateways = row["gateway"]
    what = f"{row['n']:,}" + (f" on {row['gateways']} gateways" if row["gateways"] > 1 else "")
    each = [[one[key] for one in gateways] for key in ("share_of_a_core", "wanted", "rss_mb")]
    lost = row["lost_packets"] + row["lost_events"]
    gave = f"{row['breaks']}: {row['late_events']:,} events late, {lost:,} packets or events lost"
    delay = row["delay_ms"]
    return (
        what + ", recorded" * row["records"] + f", queue of {row['queue']:,}",
        " + ".join(map(_share, each[0])),
        " + ".join(map(_share, each[1])),
        " + ".join(mb(1e6 * one) for one in each[2]),
        _share(row["broker"]["share_of_a_core"]),
        _share(row["fleet"]["share_of_a_core"]),
        f"{number(delay['p50'])} / {number(delay['p99'])} ms" if delay else "none came",
        gave if row["breaks"] else "nothing",
    )


def _share(cores: float) -> str:
    """Of a core."""
    return f"{100 * cores:.0f} %" if cores >= 0.1 else f"{100 * cores:.1f} %"


def _thin(found: Found) -> Iterable[tuple[str, ...]]:
    if "skipped" in found:
        yield f"not measured: {found['skipped']}", "", "", "", ""
        return
    for mode, what in _MODES.items():
        row = found[mode]
        sent, kept = row["sent_bytes"], row["kept_bytes"]
        hour = f"{number(sent / 1e3)} kB"
        months = [mb(each * _HOURS_A_MONTH) if each else "" for each in (sent, kept)]
        yield what, hour, *months, f"{number(row['home_cpu_s'])} s"
