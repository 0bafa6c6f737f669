"""The tables of memory and CPU time, from results of the shape that the benchmarks write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import memory
import pytest
import tables_of_costs
import throughput

ENVIRONMENT = {
    "command": "python benchmarks/it.py",
    "quick": False,
    "cpu": "Some CPU",
    "machine": "aarch64",
    "cores": 4,
    "load_average": 0.1,
    "python": "3.11.7",
    "commit": "abc1234",
}
SKIPPED = {"skipped": "no network"}
MS = {"p50": 0.5, "p99": 20.0, "p99.9": 300.0}
MEMORY: dict[str, Any] = {
    "live": {"litert": {"peak_kb": 60_000, "rss_kb": 59_000}, "tflite": SKIPPED},
    "in_use": {"neurokit2": {"peak_kb": 240_000, "rss_kb": 239_000}, "heartpy": SKIPPED},
    "day": {"streamed_s": 86400.0, "growth_kb": 500},
    "installed": {name: {"bytes": 140_000_000} for name in ("ecgedge", "neurokit2")}
    | {"heartpy": SKIPPED, "sleepecg": SKIPPED},
    "imports": {"ecgedge, ready to work": {"seconds": 0.3, "rss_kb": 58_000.0}}
    | {"neurokit2": {"seconds": 1.5, "rss_kb": 200_000.0}, "heartpy": SKIPPED, "sleepecg": SKIPPED},
    "wheel": SKIPPED,
}
THROUGHPUT: dict[str, Any] = {
    "rows": [{"whole_s": 2.0, "stages_s": {"front end": 0.5, "beats": 1.0, "hrv": 0.2, "model": 0.3}}],
    "growth": {
        "by_rate_hz": {"130": 2.0, "500": 3.0},
        "by_wearables": {"1": 2.0, "16": 1.8},
        "by_hop_s": {"10": 2.0, "1": 5.0},
        "wearables_per_core": {"1": 1800.0},
    },
    "at_once": {"ecgedge classify": 1.5, "ecgedge detect_beats": 0.9},
    "rivals": {
        "again_each_second": {"neurokit2 peaks + quality": {"cpu_s_per_h": 60.0}},
        "at_once": {"sleepecg detect_heartbeats": {"cpu_s_per_h": 0.09}, "neurokit2 ecg_process": SKIPPED},
    },
    "instructions": SKIPPED,
}


def written(folder: Path, name: str, found: dict[str, Any]) -> None:
    """Write results as a benchmark does."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps({"environment": ENVIRONMENT, **found}))


def test_memory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(tmp_path, "memory", MEMORY | {"ratios": memory.ratios(MEMORY)})
    lines = tables_of_costs.memory(tmp_path).splitlines()
    assert "| process that streams, LiteRT: most memory | 61.4 MB | 1 |" in lines
    assert "| neurokit2 after one call: most memory | 246 MB | 4.00 × |" in lines
    assert "| heartpy after one call: most memory | not measured: no network |  |" in lines
    assert "| growth while 24.0 h are streamed | 0.51 MB |  |" in lines
    assert "| import alone: neurokit2 | 1.50 s | 5.00 × |" in lines
    memory.show(MEMORY)
    assert "60,000 kB at most" in capsys.readouterr().out


def test_throughput(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(tmp_path, "throughput", THROUGHPUT | {"ratios": throughput.ratios(THROUGHPUT)})
    lines = tables_of_costs.throughput(tmp_path).splitlines()
    assert "| of it | front end 25 %, beats 50 %, HRV 10 %, rhythm model 15 % |  |" in lines
    assert "| wearables in real time on a core | 1,800 |  |" in lines
    assert "| at 500 Hz instead of 130 | 3.00 CPU s | 1.50 × |" in lines
    assert "| a rhythm window every 1 s instead of 10 | 5.00 CPU s | 2.50 × |" in lines
    assert "| neurokit2 peaks + quality again each second | 60.0 CPU s | 30.0 × |" in lines
    assert "| the same, sleepecg `detect_heartbeats` | 0.09 CPU s | 0.10 × |" in lines
    throughput.show(THROUGHPUT)
    assert "neurokit2 ecg_process: no network" in capsys.readouterr().out


def test_a_board_has_a_table_once_it_was_measured(tmp_path: Path) -> None:
    assert "No board was measured yet" in tables_of_costs.boards(tmp_path)
    board = tmp_path / "pi"
    written(board, "latency", {"chain": {"event_ms": {"any": MS}}})
    written(board, "memory", MEMORY | {"ratios": memory.ratios(MEMORY)})
    written(board, "throughput", THROUGHPUT)
    text = tables_of_costs.boards(tmp_path)
    assert "| an hour of ECG at 130 Hz | 2.00 CPU s |" in text
    assert "Some CPU, aarch64" in text
