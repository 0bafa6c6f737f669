"""The figures of the rhythm: what is named, what is answered, AF from hand-made beats, and their tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_results import environment

from benchmarks.harness import not_measured, recordings
from benchmarks.questions import rhythm
from benchmarks.questions.rhythm import ablation, af_scores, irregularity
from benchmarks.questions.rhythm.ablation import Outcome
from benchmarks.tables import rhythm as tables_of_rhythm
from ecgedge import Models, Monitor, Quality, SampleBlock
from ecgedge.rhythm.model import RhythmModel
from ecgedge_export import data, splits
from ecgedge_export.rhythm import scores
from ecgedge_export.rhythm.conditions import Changed
from ecgedge_export.rhythm.scores import Answers

TRUTH, LABELS = list("NNAAOO~~"), list("NNAOO~N~")
BEST = (0.9, 0.6, 0.9, 0.55, 0.7, 0.0, 0.4, 0.0)


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scores, "DRAWS", 50)


def outcome() -> Outcome:
    """Eight recordings, two of them called noise."""
    p = np.zeros((8, 4))
    for row, label, best in zip(p, LABELS, BEST, strict=True):
        row["NAO~".index(label)] = best or 1.0
    af: list[bool | None] = [label == "A" if label != "~" else None for label in LABELS]
    answers = Answers([f"r{i}" for i in range(8)], TRUTH, LABELS, p, np.ones(8), af)
    return Outcome(answers, np.array(BEST) >= 0.5)


def beats(rr_ms: Any, fs: float = 1000.0) -> np.ndarray:
    """Beats this far apart."""
    return np.round(np.concatenate([[0.0], np.cumsum(rr_ms)]) * fs / 1000)


def test_what_is_noise_has_no_confidence() -> None:
    assert outcome().confidence.tolist() == [0.9, 0.6, 0.9, 0.55, 0.7, -1.0, 0.4, -1.0]


def test_a_report_tells_the_named_from_all() -> None:
    found = ablation.report(outcome())
    assert found["named"] == 0.75
    # Of all: N 2 of 2 and one too many, A 1 of 2, O 1 of 2 and one too many
    assert found["mean_f1_nao"] == pytest.approx(np.mean([0.8, 2 / 3, 0.5]), abs=1e-4)
    assert found["of_named"]["records"] == 6
    assert found["of_named"]["mean_f1_nao"] == pytest.approx(np.mean([0.8, 2 / 3, 2 / 3]), abs=1e-4)


def test_a_curve_answers_less_where_it_asks_for_more() -> None:
    rows = ablation.curve(outcome())
    assert [row["coverage"] for row in rows] == [0.75, 0.625, 0.5, 0.375, 0.25, 0.25, 0.0, 0.625]
    assert rows[0]["AF"]["Se"] == 0.5
    assert rows[0]["AF"]["Sp"] == 1.0
    assert rows[-1]["limit"] == "conclusive"
    assert rows[4]["mean_f1_nao"] is None  # no O is left


def test_costs_need_both_sides() -> None:
    found = {name: outcome() for name in ("INT8, gate", "INT8, no gate")}
    skipped = {"float, gate": {"skipped": "not here"}, "float, no gate": {"skipped": "not here"}}
    costs = ablation.costs(found | skipped)
    assert costs["float over INT8"] == {"skipped": "not here"}
    assert costs["no gate over gate"] == {"points": 0.0, "points_95": [0.0, 0.0], "same_label": 1.0}


def test_af_or_not() -> None:
    truth, called = (np.array(list(map(int, x)), np.bool_) for x in ("11000", "10100"))
    found = af_scores.binary(truth, called)
    assert (found["Se"], found["Sp"], found["P+"], found["f1"]) == (0.5, 0.6667, 0.5, 0.5)
    assert af_scores.auroc(truth, [0.9, 0.4, 0.5, 0.1, np.nan]) == pytest.approx(5 / 6)
    assert af_scores.lead(truth, truth, truth) == {"f1": 0.0, "f1_95": [0.0, 0.0]}


def test_an_ungated_monitor_refuses_a_flat_line_only() -> None:
    models = Models.load("litert")
    noise = np.random.default_rng(0).normal(0, 1, 3000).astype(np.float32)
    verdicts = []
    for monitor in (Monitor(models), Monitor(ablation.ungated(models))):
        for mv in (noise, 0 * noise):
            monitor.reset()
            events = monitor.feed(SampleBlock(mv, 100.0)) + monitor.finish()
            verdicts.append({e.accepted for e in events if isinstance(e, Quality)})
    assert verdicts == [{False}, {False}, {True}, {False}]


def test_the_float_parent_is_skipped_where_it_was_not_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = not_measured.or_skipped(lambda: ablation.parent(RhythmModel.load(None, "litert")))
    assert found["skipped"].endswith("ecgedge-export train makes it")


def test_recordings_that_are_not_at_hand_are_skipped_without_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data.catalogue.DATASETS["cinc2017"].__class__, "folder", nowhere)
    found = not_measured.or_skipped(lambda: rhythm.measure(True))
    assert found == {"skipped": "cinc2017 is not at hand: ecgedge-export data fetch cinc2017"}


def nowhere(self: Any) -> Path:
    from ecgedge_bridge.errors import ConfigError

    raise ConfigError(f"{self} is not in /somewhere")


def test_a_part_is_of_the_split_and_always_the_same() -> None:
    ids = [f"A{i:05d}" for i in range(2000)]
    whole, fifth = (list(filter(recordings.validating(p), ids)) for p in (100, 20))
    assert set(fifth) < set(whole)
    assert all(map(splits.is_validation, whole))
    assert len(fifth) / len(whole) == pytest.approx(0.2, abs=0.05)


def test_sample_entropy_rises_where_no_interval_foretells_the_next() -> None:
    rng = np.random.default_rng(0)
    af = irregularity.cosen(rng.uniform(400, 1000, 40))
    bigeminy = irregularity.cosen(np.tile([600.0, 1000.0], 20))
    sinus = irregularity.cosen(800 + rng.normal(0, 15, 40))
    assert af > -1 > max(bigeminy, sinus)
    # Every pair matches: the logarithm of 2 x 30 ms over 800 ms is left
    assert irregularity.cosen([800.0] * 20) == pytest.approx(np.log(60 / 800))


def test_features_need_beats() -> None:
    assert np.isnan(irregularity.features([0, 800, 1600], 1000.0)).all()
    rr = [800.0, 900.0] * 6
    found = irregularity.features(beats(rr, fs=300.0), 300.0)
    assert found[1] == pytest.approx(100 / 850, rel=0.01)
    assert np.exp(found[2]) == pytest.approx(850, rel=0.01)


def test_detectors_are_fitted_and_silent_without_beats() -> None:
    rng = np.random.default_rng(1)
    rows = [irregularity.features(beats(rng.uniform(400, 1000, 40)), 1000.0) for _ in range(20)]
    rows += [irregularity.features(beats(800 + rng.normal(0, 15, 40)), 1000.0) for _ in range(60)]
    rows += [np.full(3, np.nan)]
    x, y = np.array(rows), np.arange(81) < 20
    for detector in irregularity.fitted(x, y).values():
        np.testing.assert_array_equal(detector(x), y)


def test_the_best_limit_has_the_highest_f1() -> None:
    score = np.array([0.9, 0.8, 0.7, 0.6, np.nan])
    y = np.array([True, False, True, False, True])
    assert irregularity.best_limit(score, y) == 0.7


# Tables

ENVIRONMENT = environment("rhythm")
ROW = {"records": 8, "Se": 0.5, "Sp": 1.0, "f1": 0.6, "f1_95": [0.4, 0.8]}
OVER = {"ours_over_it": {"f1": 0.1, "f1_95": [-0.05, 0.25]}}


def found() -> dict[str, Any]:
    """Results as the benchmark writes them."""
    outcomes = {"INT8, gate": outcome(), "INT8, no gate": outcome()}
    skipped = {"float, gate": {"skipped": "no cache"}, "float, no gate": {"skipped": "no cache"}}
    return {
        "environment": ENVIRONMENT,
        "arms": {name: ablation.report(one) for name, one in outcomes.items()} | skipped,
        "costs": ablation.costs(outcomes | skipped),
        "curve": {name: ablation.curve(one) for name, one in outcomes.items()},
        "AF": {
            "ecgedge, label A": ROW | {"auroc": 0.9},
            "ecgedge, Classification.af": {"coverage": 0.75, "Se": 0.5, "Sp": 1.0},
            "rr": {"COSEn": ROW | OVER | {"auroc": 0.8}},
            "openecg": {"skipped": "no network"},
        },
    }


def written(folder: Path, results: dict[str, Any]) -> list[str]:
    """Lines of the table of some results."""
    (folder / "rhythm.json").write_text(json.dumps(results))
    return tables_of_rhythm.rhythm(folder).splitlines()


def test_the_table_of_the_rhythm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = written(tmp_path, found())
    assert any(line.startswith("| INT8, gate | 0.656 (") for line in lines)
    assert "| float, gate | not measured: no cache |  |  |" in lines
    assert "| no gate over gate, points | +0.0 (+0.0 to +0.0) |  |  |" in lines
    assert any(line.startswith("| a probability of 0.5 | 62.5 % |") for line in lines)
    assert any(line.startswith("| a probability of 0.8 | 25.0 % | too few | 0.444 |") for line in lines)
    assert "| ecgedge, label A | 8 | 50.0 % | 100.0 % | 0.600 (0.400 to 0.800) | 0.900 |  |" in lines
    assert any(line.endswith("| 0.800 | +0.100 (-0.050 to +0.250) |") for line in lines)
    assert "| openecg | not measured: no network |  |  |  |  |  |" in lines
    rhythm.show(found())
    assert "no network" in capsys.readouterr().out


def test_openecg_has_its_rows(tmp_path: Path) -> None:
    names = ("rule", "rule_of_10_s", "network", "ecgedge, what the network was given")
    results = found()
    results["AF"]["openecg"] = {name: {**ROW, **OVER} for name in names}
    lines = written(tmp_path, results)
    assert any(line.startswith("| OpenECG, its rule on the whole recording | 8 |") for line in lines)
    assert any(line.startswith("| ecgedge, the same recordings | 8 |") for line in lines)


def test_without_recordings_the_table_says_so(tmp_path: Path) -> None:
    lines = written(tmp_path, {"environment": ENVIRONMENT, "skipped": "cinc2017 is not at hand"})
    assert lines[0] == "not measured: cinc2017 is not at hand"


def test_a_recording_is_what_is_read_of_it() -> None:
    changed = Changed("x", "A", np.zeros(3000, np.float32), 100.0)
    ((record, classification),) = recordings.each([changed], Models.load())
    assert record is changed
    assert classification.label == "~"
    assert recordings.answers([changed], Models.load()).predicted == ["~"]
    assert recordings.named(["~", "N"]).tolist() == [False, True]
