"""The pages' tables are those of the JSON files, and the generator says what it was given, no more."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from made_results import environment

from benchmarks import questions
from benchmarks.tables import pages as tables

ENVIRONMENT = environment("latency")
MS = {"p50": 0.5, "p99": 20.0, "p99.9": 300.0, "max": 400.0}
ROW = {"p50": 2.0, "p99": 10.0, "p99.9": None}
LATENCY: dict[str, Any] = {
    "environment": ENVIRONMENT,
    "chain": {
        "event_ms": {"any": MS},
        "event_cpu_ms": {"any": MS},
        "signal_delay_s": {"beat": {"p50": 1.5, "p99": 2.6}},
    },
    "again_each_second": {
        "neurokit2 ecg_process": {"ms": {"p50": 1.0, "p99": 200.0, "p99.9": 1234.0}},
        "sleepecg detect_heartbeats": {"skipped": "no network"},
    },
    "models": {"rhythm": {"litert": {"ms": MS}, "onnx float": {"skipped": "none in the cache"}}},
    "cold_start_s": {"python -c pass": {"median": 0.1}, "ecgedge beats": {"median": 0.25}},
    "ratios": {
        "again_each_second": {"neurokit2 ecg_process": ROW, "sleepecg detect_heartbeats": {}},
        "onnx_float_over_int8": {"rhythm": None},
        "cold_start": {},
    },
}
EMPTY = "# Title\n\n<!-- bench:latency -->\n<!-- /bench -->\n\nafter\n"


def filled(folder: Path, found: dict[str, Any]) -> str:
    """A text with one marker, filled from a JSON file."""
    (folder / "latency.json").write_text(json.dumps(found))
    return tables.fill(EMPTY, folder)


def test_the_pages_are_fresh() -> None:
    old = "".join(page.read_text() for page in tables.PAGES)
    assert set(tables.TABLES) == {match[2] for match in tables.BLOCK.finditer(old)}
    assert tables.fill(old, tables.RESULTS) == old, "run python -m benchmarks tables"


def test_a_table_says_what_the_file_says(tmp_path: Path) -> None:
    lines = filled(tmp_path, LATENCY).splitlines()
    assert "| notification to event, 50 / 99 / 99.9 % | 0.50 / 20.0 / 300 ms | 1 |" in lines
    again = "again each second over the last 10 s"
    assert f"| neurokit2 `ecg_process` {again} | 1.00 / 200 / 1,234 ms | 2.00 × / 10.0 × |" in lines
    assert f"| sleepecg `detect_heartbeats` {again} | not measured: no network |  |" in lines
    assert "| from starting Python to the first result, ecgedge `beats` | 0.25 s | 1 |" in lines
    assert "Some CPU, x86_64, Python 3.11.7, commit abc1234: `python -m benchmarks latency`." in lines


def test_what_surrounds_a_table_stays_and_filling_twice_changes_nothing(tmp_path: Path) -> None:
    once = filled(tmp_path, LATENCY)
    assert once.startswith("# Title\n\n<!-- bench:latency -->\n| what |")
    assert once.endswith("`.\n<!-- /bench -->\n\nafter\n")
    assert tables.fill(once, tmp_path) == once


def test_a_changed_figure_makes_the_text_stale(tmp_path: Path) -> None:
    once = filled(tmp_path, LATENCY)
    slower = LATENCY | {"chain": LATENCY["chain"] | {"event_ms": {"any": MS | {"p50": 0.9}}}}
    assert filled(tmp_path, slower) != once


@pytest.mark.parametrize(
    ("speaks_against", "said"),
    [({"quick": True}, "(a quick run: rough)"), ({"load_average": 3.5}, "(the machine was busy)")],
)
def test_what_speaks_against_figures_is_said(tmp_path: Path, speaks_against: Any, said: str) -> None:
    assert said in filled(tmp_path, LATENCY | {"environment": ENVIRONMENT | speaks_against})
    assert said not in filled(tmp_path, LATENCY)


def test_what_was_not_measured_is_said(tmp_path: Path) -> None:
    for name in tables.TABLES:
        text = tables.fill(f"<!-- bench:{name} -->\n<!-- /bench -->\n", tmp_path)
        assert "measured yet" in text


def test_an_unknown_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="speed"):
        tables.fill("<!-- bench:speed -->\n<!-- /bench -->\n", tmp_path)


def test_check_tells_stale_from_fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(EMPTY)
    monkeypatch.setattr(tables, "PAGES", (readme,))
    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    assert tables.main(["--check"]) == 1
    assert readme.read_text() == EMPTY
    assert tables.main([]) == 0
    assert tables.main(["--check"]) == 0


def test_the_commands_in_the_results_and_pages_are_commands_that_work() -> None:
    written = [
        json.loads(path.read_text())["environment"]["command"] for path in tables.RESULTS.rglob("*.json")
    ]
    written += [
        name for page in tables.PAGES for name in re.findall(r": `(python .*?)`\.\n", page.read_text())
    ]
    assert len(written) > 10
    for command in written:
        python, flag, package, name = command.removesuffix(" --quick").split()
        assert [python, flag, package] == ["python", "-m", "benchmarks"]
        assert name in {*questions.names(), "tables"}
