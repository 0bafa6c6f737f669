"""Tables of what lasts: receivers that are away, and a day of a wearable."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from benchmarks.harness.figures import ratio
from benchmarks.tables.cells import Found, Row, as_times, cpu, mb, number, table


def sinks(results: Path) -> str:
    """What receivers that are away or stuck cost, and whether they are accounted for."""
    return table(results, "sinks", _sink_rows)


def _sink_rows(found: Found) -> Iterable[Row]:
    take, accounts = found["take_ms"], found["accounts"]
    minutes = number(found["outage_s"] / 60)
    yield f"broker frozen for {minutes} min, and killed for as long; events", f"{found['events']:,}", ""
    yield "what all outlets together delay an event by, at most", f"{number(take['max'])} ms", ""
    yield "the same, 50 / 99 %", f"{number(take['p50'])} / {number(take['p99'])} ms", ""
    for name, what in (("mqtt", "MQTT"), ("tcp", "two readers of JSON lines, one of them frozen")):
        row = accounts[name]
        came = f"{row['sent']:,} sent, {row['received']:,} received, {row['missed']:,} counted as missed"
        yield what, came, ""
    scraper = accounts["metrics"]["scraper"]
    slowest = f"{number(scraper['slowest_s'])} s at most"
    yield "answer to a scraper, beside one that hangs all the time", slowest, ""
    grown = mb(1024 * (found["rss_kb"]["end"] - found["rss_kb"]["warm"]))
    yield "growth of memory meanwhile", grown, ""
    yield from _priority(found)


def day(results: Path) -> str:
    """Memory, samples and CPU time of a day."""
    return table(results, "day", _day_rows)


def _day_rows(found: Found) -> Iterable[Row]:
    whole, alone = found["whole"], found["alone"]
    sent = f"{whole['samples_sent']:,}"
    yield f"samples of {number(whole['hours'])} h at {number(found['speed'])} times real time", sent, ""
    lost = f"{found['figures']['lost_samples']:,.0f}"
    yield "of them lost by the command, its recording or its metrics", lost, ""
    stand_in = mb(1e6 * found["stand_in_mb"])
    yield f"most memory, {stand_in} of it what stands in for BlueZ", mb(1e6 * whole["peak_mb"]), ""
    yield "growth after the first hour", mb(1e6 * whole["growth_after_first_hour_mb"]), ""
    yield "the command without recording, page and outlets: most memory", mb(1e6 * alone["peak_mb"]), ""
    yield "CPU time of an hour of it", cpu(alone["cpu_s_per_h"]), "1"
    times = as_times(ratio(whole["cpu_s_per_h"], alone["cpu_s_per_h"]))
    yield "the same with all of them", cpu(whole["cpu_s_per_h"]), times
    yield from _priority(found)


def _priority(found: Found) -> Iterable[Row]:
    if found["niceness"]:
        yield "niceness of the benchmark, on a machine that did other work", f"{found['niceness']}", ""
