"""The proofs of endurance: their counts are those of real processes, on a strap that is soon through."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from made_results import environment

from benchmarks.children import strap
from benchmarks.questions import day, sinks
from benchmarks.questions.sinks.receivers import Broker
from benchmarks.tables import endurance


def test_the_command_line_gets_every_sample_of_a_strap_in_another_process(tmp_path: Path) -> None:
    pytest.importorskip("bumble", reason="the extra sim is not installed")
    found = day.alone(tmp_path, 0.1, 100.0)  # 3.6 s
    assert found["samples_sent"] == found["samples_received"] == 360 * strap.FS
    assert (found["samples_missing"], found["lost_by_the_strap"]) == (0, 0)
    assert found["cpu_s"] > 0
    assert 20 < found["peak_mb"] < 1000


def test_memory_is_compared_with_that_of_the_first_hour() -> None:
    rows = [{"rss_mb": float(mb), "peak_mb": 200.0, "cpu_s": 2.0 * n} for n, mb in enumerate(range(60, 72))]
    end = {"rss_mb": 70.0, "peak_mb": 201.0, "cpu_s": 23.0, "end": {"sent": 5, "lost": 0}}
    found = day.summed([*rows, end], 2.0)
    assert found["growth_after_first_hour_mb"] == 71.0 - 65.0
    assert (found["cpu_s_per_h"], found["peak_mb"]) == (13.0, 201.0)


def test_what_the_command_line_says_at_its_end_is_read() -> None:
    said = "     end  180 windows: 0 rejected as noise, 180 model runs; 234000 samples, 73 missing\n"
    assert day.received(said) == {"samples_received": 234000, "samples_missing": 73}


def test_an_account_tells_what_nobody_counted_from_what_was_counted_and_came() -> None:
    assert sinks.account(sent=10, received=6, missed=3) | {"sent": 0} == {
        "sent": 0, "received": 6, "missed": 3, "not_counted": 1, "counted_and_received": 0
    }  # fmt: skip
    assert sinks.account(sent=10, received=8, missed=3)["counted_and_received"] == 1


def test_the_brokers_log_tells_events_from_what_is_sent_again_and_what_is_retained(tmp_path: Path) -> None:
    log = tmp_path / "mosquitto.log"
    log.write_text(
        "1: Received PUBLISH from auto-1 (d0, q1, r0, m3, 'bench/events/beat', ... (97 bytes))\n"
        "1: Received PUBLISH from auto-1 (d1, q1, r0, m3, 'bench/events/beat', ... (97 bytes))\n"
        "1: Received PUBLISH from auto-1 (d0, q1, r1, m4, 'bench/heart_rate', ... (2 bytes))\n"
        "1: Sending PUBLISH to auto-2 (d0, q1, r0, m3, 'bench/events/beat', ... (97 bytes))\n"
    )
    broker = Broker.__new__(Broker)
    broker._log = log
    assert broker.events == 1


def table(folder: Path, name: str, found: dict[str, Any]) -> list[str]:
    (folder / f"{name}.json").write_text(json.dumps({"environment": environment(name), **found}))
    return str(getattr(endurance, name)(folder)).splitlines()


def test_the_table_of_receivers_says_what_was_found(tmp_path: Path) -> None:
    accounts = {
        "mqtt": sinks.account(sent=1000, received=400, missed=600),
        "tcp": sinks.account(sent=2000, received=1500, missed=500),
        "metrics": {"scraper": {"slowest_s": 2.9}},
    }
    lines = table(
        tmp_path,
        "sinks",
        {
            "outage_s": 300.0, "events": 1000, "take_ms": {"p50": 0.1, "p99": 2.0, "max": 9.5},
            "accounts": accounts, "rss_kb": {"warm": 80_000, "end": 81_000}, "niceness": 0,
        },
    )  # fmt: skip
    assert "| what all outlets together delay an event by, at most | 9.50 ms |  |" in lines
    assert "| MQTT | 1,000 sent, 400 received, 600 counted as missed |  |" in lines
    assert "| growth of memory meanwhile | 1.02 MB |  |" in lines
    assert not any("niceness" in line for line in lines)


def test_the_table_of_a_day_says_what_was_found(tmp_path: Path) -> None:
    row = {"hours": 24.0, "samples_sent": 11_232_000, "peak_mb": 122.0, "growth_after_first_hour_mb": 0.5}
    found = {
        "speed": 100.0, "stand_in_mb": 18.0, "figures": {"lost_samples": 0.0}, "niceness": -5,
        "whole": row | {"cpu_s_per_h": 12.0}, "alone": row | {"peak_mb": 105.0, "cpu_s_per_h": 5.0},
    }  # fmt: skip
    lines = table(tmp_path, "day", found)
    assert "| samples of 24.0 h at 100 times real time | 11,232,000 |  |" in lines
    assert "| most memory, 18.0 MB of it what stands in for BlueZ | 122 MB |  |" in lines
    assert "| the same with all of them | 12.0 CPU s | 2.40 × |" in lines
    assert "| niceness of the benchmark, on a machine that did other work | -5 |  |" in lines
