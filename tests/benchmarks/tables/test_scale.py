"""The tables of scale have a row for each number of workers, rival, stage of a fleet and mode."""

from __future__ import annotations

import json
from pathlib import Path

from made_results import environment

from benchmarks.questions import batch
from benchmarks.tables import scale


def test_the_table_of_a_result(tmp_path: Path) -> None:
    rows = {
        str(n): {
            "workers": n,
            "hours_per_s": 0.5 * n,
            "times_real_time_per_core": 1800.0,
            "memory_after_quarters": [{"worker_mb": 180.0, "driver_mb": 210.0}] * 4,
        }
        for n in batch.WORKERS
    }
    others = {
        "neurokit2 ecg_process": {"files": 8, "hours_per_s": 0.02, "failed": 0},
        "sleepecg detect_heartbeats": {"skipped": "no network"},
    }
    found = {
        "signal": "synthetic ECG", "files": 96, "hours": 96.0, "workers": rows, "same_results": True,
        "replayed": 10, "unlike_replay": ["007"],
    }  # fmt: skip
    result = found | {"rivals": others, "environment": environment("batch")} | batch.judged(found, others)
    (tmp_path / "batch.json").write_text(json.dumps(result))
    lines = scale.batch(tmp_path).splitlines()
    assert "| 2 workers: hours of ECG a second, the whole command | 1.00 | 2.00 × |" in lines
    quarters = " / ".join(["180 MB"] * 4)
    assert f"| 2 workers: memory of the largest after each quarter of the files | {quarters} |  |" in lines
    theirs = "neurokit2 `ecg_process` on as many workers: hours of ECG a second, 8 files"
    assert f"| {theirs} | 0.02 | 0.02 × |" in lines
    assert any("not measured: no network" in line for line in lines)
    assert "| 10 files, chosen by their digests, beside `ecgedge replay --json` | not of 007 |  |" in lines
    missed = ["unlike_replay (1)", "times_real_time_per_core (1.8e+03)"]
    assert result["targets"]["missed"] == missed
    assert lines[-1].endswith("`python -m benchmarks batch`.")


def test_before_it_was_measured_the_page_says_so(tmp_path: Path) -> None:
    assert scale.batch(tmp_path) == "Not measured yet: `python -m benchmarks batch`.\n"


def test_the_table_of_a_ward(tmp_path: Path) -> None:
    found = {
        "wearables": 200, "seconds": 3600.0, "speed": 2.0, "sent": 93_600_000,
        "rss_mb": {"warm": 140.2, "end": 151.0},
        "packets": {"times_sent_again": 3}, "sink_missed": 0.0,
        "figures": {"share_of_a_core": 0.256, "lost": 0.0, "rss_mb": 151.0},
        "environment": environment("gateway"),
    }  # fmt: skip
    (tmp_path / "gateway.json").write_text(json.dumps(found))
    lines = scale.gateway(tmp_path).splitlines()
    assert "| 200 wearables, each recorded: share of a core | 26 % |  |" in lines
    assert "| samples of 60 min at 2.00 times real time | 93,600,000 |  |" in lines
    assert "| memory after a minute / at the end | 140 MB / 151 MB |  |" in lines
    assert "| packets that nodes sent again | 3 |  |" in lines
    assert lines[-1].endswith("`python -m benchmarks gateway`.")


def stage(n: int, *shares: float, gave: str = "") -> dict[str, object]:
    of_each = [{"share_of_a_core": one, "wanted": one + 0.05, "rss_mb": 80.0} for one in shares]
    return {
        "n": n,
        "gateways": len(shares),
        "queue": 1000,
        "records": n == 100,
        "gateway": of_each,
        "broker": {"share_of_a_core": 0.014},
        "fleet": {"share_of_a_core": 0.06},
        "lost_packets": 0,
        "lost_events": 3 * bool(gave),
        "late_events": 1200 * bool(gave),
        "delay_ms": {"p50": 3.0, "p99": 23.0},
        "breaks": gave,
    }


def test_the_table_of_a_fleet(tmp_path: Path) -> None:
    mode = {"sent_bytes": 2_000_000.0, "kept_bytes": 1_000_000.0, "home_cpu_s": 2.0}
    modes = dict.fromkeys(("raw", "events", "words"), mode) | {"states": mode | {"kept_bytes": 0.0}}
    stages = [stage(100, 0.25), stage(1000, 0.5, 0.5, gave="gateway"), {"skipped": "no mosquitto"}]
    found = {"stages": stages, "thin": modes, "environment": environment("fleet")}
    (tmp_path / "fleet.json").write_text(json.dumps(found))
    lines = scale.fleet(tmp_path).splitlines()
    assert (
        "| 100, recorded, queue of 1,000 | 25 % | 30 % | 80.0 MB | 1.4 % | 6.0 % | 3.00 / 23.0 ms | nothing |"
        in lines
    )
    both = "| 1,000 on 2 gateways, queue of 1,000 | 50 % + 50 % | 55 % + 55 % | 80.0 MB + 80.0 MB |"
    gave = next(line for line in lines if line.startswith(both))
    assert gave.endswith("| gateway: 1,200 events late, 3 packets or events lost |")
    assert any(line.startswith("| not measured: no mosquitto |") for line in lines)
    bytes_of = [line for line in lines if "2,000 kB | 1,440 MB" in line]
    assert len(bytes_of) == 4
    assert bytes_of[0].endswith("| 720 MB | 2.00 s |")
    assert lines[-1].endswith("`python -m benchmarks fleet`.")


def test_before_a_fleet_was_measured_the_page_says_so(tmp_path: Path) -> None:
    assert scale.fleet(tmp_path) == "Not measured yet: `python -m benchmarks fleet`.\n"
