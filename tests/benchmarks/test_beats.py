"""Beats found and named: figures of signals whose beats are known, reasons of what is skipped, the tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_results import environment

from benchmarks.harness import not_measured
from benchmarks.questions import beats
from benchmarks.rivals import ask
from benchmarks.tables import beats as tables_of_beats
from ecgedge_bridge.errors import ConfigError
from ecgedge_export.data import Record

ENVIRONMENT = environment("beats")
START, STEP, COUNT = 300 * 360, 360, 100  # the first sample that counts, a beat each second
PERFECT = {"Se": 100.0, "P+": 100.0, "F1": 100.0}
NOTHING = {"Se": 0.0, "P+": 0.0, "F1": 0.0}


def a_case(record_id: str = "100", noise: str = "none", begin: int = 0) -> beats.Case:
    """Sixty seconds that do not count and a hundred that do, all with beats."""
    at = START + STEP * np.arange(-60, COUNT)
    record = Record("mitdb", record_id, Path(), 360.0, 650_000, ("MLII",), record_id, beats=at)
    return beats.Case(record, noise, np.zeros(10, np.float32), begin)


def found(case: beats.Case, shift: int = 0) -> dict[str, list[int]]:
    """Every beat, some samples off, by the signal's own clock."""
    return {case.name: (case.record.beats + shift - case.begin).tolist()}


def test_scores_by_tolerance() -> None:
    case = a_case()
    shares = beats.scores([case], found(case, shift=20))  # 56 ms
    assert shares == {"150 ms": PERFECT, "100 ms": PERFECT, "50 ms": NOTHING, "25 ms": NOTHING}


def test_what_is_missed_and_made_up_counts_after_the_first_five_minutes() -> None:
    case = a_case()
    at = case.record.beats.tolist()
    rows = {case.name: sorted([*at[10:-20], START - 180, START + 180])}
    assert beats.scores([case], rows)["150 ms"] == {"Se": 80.0, "P+": 98.77, "F1": 88.4}


def test_scores_are_gross() -> None:
    one, other = a_case("100"), a_case("103")
    rows = found(one) | {other.name: []}
    assert beats.scores([one, other], rows)["150 ms"] == {"Se": 50.0, "P+": 100.0, "F1": 66.67}


def test_positions_are_put_on_the_clock_of_the_record() -> None:
    case = a_case(begin=START - 30 * STEP)
    assert beats.scores([case], found(case))["25 ms"] == PERFECT


def test_how_late_beats_are_placed() -> None:
    case = a_case()
    placed = beats.placed([case], found(case, shift=36))
    assert placed["late_ms"] == {"p5": 100.0, "p50": 100.0, "p95": 100.0}
    assert placed["without_delay"]["25 ms"] == PERFECT
    assert beats.placed([case], {case.name: []}) == {}


def test_a_rival_that_is_not_there_keeps_its_reason_and_one_that_failed_is_said() -> None:
    case = a_case()
    answers = {
        "a": {"found": found(case), "failed": {}},
        "b": {"found": {case.name: []}, "failed": {case.name: "ValueError()", "another": "ValueError()"}},
        "c": {"skipped": "no network"},
    }
    rows = beats.scored([case], answers, place=True)
    assert (rows["a"]["failed"], rows["a"]["150 ms"], rows["a"]["late_ms"]["p50"]) == (0, PERFECT, 0.0)
    assert (rows["b"]["failed"], rows["b"]["150 ms"]["Se"]) == (1, 0.0)
    assert rows["c"] == {"skipped": "no network"}


def test_records_are_judged_by_set_and_ds2_only_with_noise() -> None:
    clean = [a_case(record_id) for record_id in ("100", "101", "202")]
    answers = {"a": {"found": {k: v for case in clean for k, v in found(case).items()}, "failed": {}}}
    by_set = dict(beats.by_set(clean, answers))
    assert {name: (row["records"], row["beats"]) for name, row in by_set.items()} == {
        "DS2": (2, 2 * COUNT),
        "DS2 without 202": (1, COUNT),
        "all": (3, 3 * COUNT),
    }
    assert "late_ms" in by_set["DS2"]["detectors"]["a"]
    assert "late_ms" not in by_set["all"]["detectors"]["a"]
    noisy = a_case(noise="em 6 dB")
    assert list(dict(beats.by_set([noisy], {"a": {"found": found(noisy), "failed": {}}}))) == ["DS2"]


def test_without_noise_recordings_the_rest_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*asked: Any) -> None:
        raise ConfigError("not in /somewhere")

    def everybody(cases: Sequence[beats.Case]) -> dict[str, Any]:
        return {beats.OURS: {"found": found(cases[0]), "failed": {}, "cpu_s_per_h": 1.0}}

    monkeypatch.setattr(beats, "clean", lambda *asked: [a_case()])
    monkeypatch.setattr(beats, "noisy", missing)
    monkeypatch.setattr(beats, "everybody", everybody)
    report = beats.finding(quick=True)
    assert report["by_noise"]["em 6 dB"] == {
        "skipped": "nstdb is not at hand: ecgedge-export data fetch nstdb"
    }
    assert report["by_noise"]["none"]["DS2"]["detectors"][beats.OURS]["150 ms"] == PERFECT
    monkeypatch.setattr(beats, "clean", missing)
    assert "mitdb is not at hand" in not_measured.or_skipped(beats.finding, True)["skipped"]


def test_every_detector_gets_the_same_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    case, given = a_case(), []

    def theirs(named: ask.Named, folder: Path) -> Any:
        given.append([np.load(path).tolist() for path in sorted(folder.iterdir())])
        return {"found": found(case), "failed": {}, "cpu_s_per_h": 0.0}

    monkeypatch.setattr(beats, "theirs", theirs)
    monkeypatch.setattr(beats, "detect_beats", lambda mv, fs: np.array([3, 9]))
    answers = beats.everybody([case])
    others = [named.call for named in ask.calls("beats")]
    assert len(others) > 3
    assert list(answers) == [beats.OURS, *others]
    assert answers[beats.OURS]["found"] == {"100 none": [3, 9]}
    assert given == [[[0.0] * 10]] * len(others)


def test_the_spread_is_over_records_that_have_such_beats() -> None:
    figures = [(0, 0.0), (5, 40.0), (9, 80.0), (1, 100.0)]
    by_record = {str(i): {"VEB": {"beats": n, "Se": x, "P+": x, "F1": x}} for i, (n, x) in enumerate(figures)}
    spread = beats.spread(by_record, "VEB")
    assert (spread["records"], spread["F1"]) == (3, [40.0, 60.0, 80.0, 90.0, 100.0])
    assert beats.spread({"0": by_record["0"]}, "VEB") == {"records": 0}


def shares(f1: float) -> dict[str, float]:
    return {"Se": 99.5, "P+": 98.25, "F1": f1}


WITHIN = {f"{ms} ms": shares(f1) for ms, f1 in ((150, 99.0), (100, 98.0), (50, 97.0), (25, 96.0))}
PLACED = WITHIN | {"late_ms": {"p5": -3.0, "p50": 8.3, "p95": 36.0}, "without_delay": {"25 ms": shares(98.5)}}
SKIPPED = {"skipped": "no network"}
RESULTS: dict[str, Any] = {
    "environment": ENVIRONMENT,
    "streaming": {beats.OURS: True, "wfdb xqrs_detect": False},
    "found": {
        "by_noise": {
            "none": {
                "DS2": {
                    "records": 22,
                    "detectors": {"ecgedge detect_beats": PLACED, "wfdb xqrs_detect": SKIPPED},
                },
                "all": {
                    "records": 48,
                    "detectors": {"ecgedge detect_beats": WITHIN, "wfdb xqrs_detect": SKIPPED},
                },
            },
            "em 6 dB": {"skipped": "NSTDB is not at hand"},
        }
    },
    "named": {
        "gross": {"VEB": {"beats": 2700, **shares(95.0)}, "SVEB": {"beats": 0, **shares(0.0)}},
        "spread": {"VEB": {"records": 15, "F1": [1.0, 50.0, 90.0, 95.5, 100.0]}, "SVEB": {"records": 0}},
    },
}


def lines(folder: Path, table: Any, results: dict[str, Any]) -> list[str]:
    """A table of results that were written as JSON."""
    (folder / "beats.json").write_text(json.dumps(results))
    told: str = table(folder)
    return told.splitlines()


def test_the_table_of_beats_found(tmp_path: Path) -> None:
    told = lines(tmp_path, tables_of_beats.beats, RESULTS)
    ours = "| ecgedge `detect_beats`, streaming | 99.50 / 98.25 | 99.00 / 98.00 / 97.00 / 96.00 |"
    assert f"{ours} 8 (-3 to 36) | 98.50 |" in told
    assert "| wfdb `xqrs_detect` | not measured: no network |  |  |  |" in told
    assert "| F1 within 150 ms, % | all (48) | electrode motion, 6 dB |" in told
    assert "| ecgedge `detect_beats`, streaming | 99.00 | not measured |" in told
    assert "Some CPU, x86_64, Python 3.11.7, commit abc1234: `python -m benchmarks beats`." in told


def test_a_detector_that_found_nothing_has_no_delay(tmp_path: Path) -> None:
    none = {"none": {"DS2": {"records": 22, "detectors": {"wfdb xqrs_detect": WITHIN}}}}
    told = lines(tmp_path, tables_of_beats.beats, RESULTS | {"found": {"by_noise": none}})
    assert "| wfdb `xqrs_detect` | 99.50 / 98.25 | 99.00 / 98.00 / 97.00 / 96.00 |  |  |" in told


def test_the_table_of_beats_named(tmp_path: Path) -> None:
    told = lines(tmp_path, tables_of_beats.beat_classes, RESULTS)
    assert "| VEB | 2,700 | 99.50 | 98.25 | 95.00 | 50.00 / 90.00 / 95.50 (15 records) |" in told
    assert "| SVEB | 0 | 99.50 | 98.25 | 0.00 |  |" in told


def test_a_part_that_was_skipped_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = RESULTS | {"found": SKIPPED, "named": SKIPPED}
    for table in (tables_of_beats.beats, tables_of_beats.beat_classes):
        assert lines(tmp_path, table, results)[0] == "Not measured: no network"
    beats.show(results)
    assert "found: no network\nnamed: no network" in capsys.readouterr().out


def test_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    by_noise = {**RESULTS["found"]["by_noise"]}
    by_noise["none"] = {"DS2": by_noise["none"]["DS2"] | {"beats": 49_000}}
    beats.show(RESULTS | {"found": {"by_noise": by_noise}})
    told = capsys.readouterr().out
    assert "noise none, DS2: 22 records, 49000 beats" in told
    assert "   99.50   98.25   99.00   98.00   97.00   96.00\n" in told
    assert "noise em 6 dB: NSTDB is not at hand" in told
