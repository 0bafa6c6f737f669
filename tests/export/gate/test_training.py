"""The gate's training and scores on made windows whose answers are known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.gate.features import NAMES
from ecgedge.gate.model import GateModel
from ecgedge_export import prepare, splits
from ecgedge_export.cli.train import train
from ecgedge_export.gate import scores as gate_scores
from ecgedge_export.gate import sets as gate_data
from ecgedge_export.gate import training as gate_training
from ecgedge_export.gate.sets import Windows

RECIPE = Path(__file__).parents[3] / "export" / "ecgedge_export" / "recipes" / "gate.toml"
GROUPS = ("cinc:N", "cinc:A", "mitdb:ectopy", "cinc:~", "mitdb:em-6dB", "mitdb:em+6dB mild")


@pytest.fixture(scope="module")
def how():
    return gate_data.load_recipe(RECIPE)


@pytest.fixture(scope="module")
def windows():
    """Noise moves the first feature, an irregular rhythm the second one; the rest is the same for all."""
    rng = np.random.default_rng(0)
    rows, groups = [], []
    for group in GROUPS:
        x = rng.normal(0, 1, (300, len(NAMES)))
        x[:, 0] += {"cinc:~": -4, "mitdb:em-6dB": -5, "mitdb:em+6dB mild": -2}.get(group, 0)
        x[:, 1] += 3 if group in ("cinc:A", "mitdb:ectopy") else 0
        rows.append(x)
        groups += [group] * 300
    return Windows(np.vstack(rows), np.array(groups))


@pytest.fixture(scope="module")
def gate(how, windows):
    return gate_training.fit(how, windows)


def test_noise_is_refused_and_irregular_is_not(how, gate, windows):
    said = gate_training.refused(gate, windows)
    for group in ("cinc:N", "cinc:A", "mitdb:ectopy"):
        assert said[group]["refused"] <= how.clean_rejected + 0.005
    assert said["mitdb:em-6dB"]["refused"] > 0.9
    assert said["cinc:~"]["refused"] > 0.8


def test_the_shape_is_judged_more_strictly(gate, windows):
    z = np.clip((windows.features - np.array(gate.mean)) / np.array(gate.scale), -4, 4)
    line = gate_training.Line(np.array(gate.morphology_weights), gate.morphology_bias)
    mild = windows.mild
    doubted = (line.score(z[mild]) < gate.morphology_threshold).mean()
    refused = (gate_training.scores(gate, windows.features[mild]) < gate.threshold).mean()
    assert doubted > refused + 0.05


def test_scores_are_calibrated(gate, windows):
    assert gate_scores.calibration_error(gate, windows.only(windows.dataset == "cinc")) < 0.05


def test_a_worse_calibration_is_seen(gate, windows):
    cinc = windows.only(windows.dataset == "cinc")
    biased = replace(gate, bias=gate.bias - 5)
    assert gate_scores.calibration_error(biased, cinc) > gate_scores.calibration_error(gate, cinc) + 0.05


def test_a_group_with_few_windows_has_no_say_in_the_threshold(how, windows, gate):
    odd = Windows(np.full((10, len(NAMES)), -9.0), np.full(10, "mitdb:af"))
    both = Windows(np.vstack([windows.features, odd.features]), np.r_[windows.group, odd.group])
    assert gate_training.fit(how, both).threshold > 0.1 * gate.threshold


def test_each_data_set_is_tested_only_by_gates_that_did_not_see_it(how, windows):
    rows = gate_scores.across(how, windows, windows)
    assert rows
    assert all(row["tested_on"].split()[0] not in row["trained_on"].split(" + ") for row in rows)


def test_average_precision_and_auroc_by_hand():
    truth = np.array([1, 0, 1, 0, 0], bool)
    score = np.array([0.9, 0.8, 0.7, 0.2, 0.1])
    # Both classes weigh the same: precision 1 at half of the recall, then 1 / (1 + 1/3).
    assert gate_scores.average_precision(truth, score) == pytest.approx(0.5 + 0.5 * 0.75)
    assert gate_scores.auroc(truth, score) == pytest.approx(5 / 6)
    assert gate_scores.average_precision(truth, np.zeros(5)) == pytest.approx(0.5)


def test_few_recordings_are_the_first_ones_of_their_side(how, monkeypatch):
    mv = synthesize([Segment("sinus", 20.0, 70.0)], how.fs, seed=1).mv
    ids = [f"A{i:05}" for i in range(1, 60)]
    trains = [i for i in ids if not splits.is_validation(i)]
    labels = ["N" if i in trains[:3] else "A" for i in ids]
    monkeypatch.setattr(prepare, "cinc2017", lambda fs: prepare.Prepared(ids, labels, [mv] * len(ids)))
    few = gate_data.cinc_windows(how, validation=False, limit=3)
    assert few.group.tolist() == ["cinc:N"] * 6


def test_a_quick_training_reads_little_of_each_data_set(how, windows, monkeypatch):
    asked = []
    monkeypatch.setattr(gate_data, "cinc_windows", lambda how, **asks: asked.append(asks["limit"]) or windows)
    monkeypatch.setattr(gate_data, "mitdb_windows", lambda how, ids: asked.append(ids) or windows)
    monkeypatch.setattr(gate_data, "mixed_windows", lambda how, ids, *_, lead: asked.append(ids) or windows)
    monkeypatch.setattr(gate_training, "_sources", lambda few: ())
    monkeypatch.setattr(gate_data, "motion_windows", lambda how, people: asked.append(len(people)) or windows)
    gate_training.training_windows(how, lambda line: None, gate_training.Few(5, 2))
    assert asked == [5, splits.DS1[:2], splits.DS1[:2], 2]
    asked.clear()
    gate_training.training_windows(how, lambda line: None)
    assert asked == [None, splits.DS1, splits.DS1, gate_data.VALIDATES - 1]


def test_a_gate_goes_where_it_was_asked_for_and_else_into_the_work_folder(
    gate, windows, monkeypatch, tmp_path
):
    asked = []

    def build(how, command, log, few):
        asked.append(few)
        metrics = {"command": command, "trained_on": gate_training.refused(gate, windows)}
        return gate_training.Fitted(gate, gate_training.draft(gate, windows, metrics))

    monkeypatch.setattr(gate_training, "build", build)
    train(RECIPE, work=tmp_path, quick=True)
    assert GateModel.load(tmp_path / "model") == gate
    train(RECIPE, work=tmp_path, out=tmp_path / "full")
    assert GateModel.load(tmp_path / "full") == gate
    assert [few is gate_training.ALL for few in asked] == [False, True]
