"""The gate's training and scores on made windows whose answers are known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecgedge import assess_quality
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.gate.features import NAMES
from ecgedge.gate.model import GateModel, NumpyJudge, carried, probability
from ecgedge_export import data, prepare, splits
from ecgedge_export.cli.train import train
from ecgedge_export.gate import scores as gate_scores
from ecgedge_export.gate import sets as gate_data
from ecgedge_export.gate import training as gate_training
from ecgedge_export.gate import window_cache
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
    return made(np.vstack(rows), np.array(groups))


def made(features, groups, start=0):
    """Windows of 10 s, ten to a record, which follow each other."""
    n = np.arange(start, start + len(groups))
    record = np.char.add(np.char.add(groups, "/"), (n // 10).astype(str))
    return Windows(features, groups, record, n % 10 > 0, np.full(len(n), 10.0))


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
    limit = np.log(gate.morphology_threshold / (1 - gate.morphology_threshold))
    doubted = (line.log_odds(z[mild]) < limit).mean()
    refused = (gate_training.scores(gate, windows)[mild] < gate.threshold).mean()
    assert doubted > refused + 0.05


def calibration_error(gate, windows):
    return gate_training.calibration_error(gate_training.scores(gate, windows), windows.clean)


def test_scores_are_calibrated(gate, windows):
    assert calibration_error(gate, windows.only(windows.dataset == "cinc")) < 0.05


def test_a_worse_calibration_is_seen(gate, windows):
    cinc = windows.only(windows.dataset == "cinc")
    biased = replace(gate, offset=gate.offset - 5)
    assert calibration_error(biased, cinc) > calibration_error(gate, cinc) + 0.05


def test_the_runtime_scores_a_run_of_windows_as_the_training_does(gate, windows):
    few = windows.only(np.arange(len(windows.group)) < 30)
    before, by_hand = None, []
    for features, follows in zip(few.features, few.follows, strict=True):
        z = NumpyJudge(gate).standardised(features)
        before = (
            gate.bias
            + float(z @ np.array(gate.weights))
            + carried(before if follows else None, gate.persistence)
        )
        by_hand.append(probability(gate.slope * before + gate.offset))
    assert gate_training.scores(gate, few) == pytest.approx(np.array(by_hand))


def test_noise_that_comes_in_runs_is_found_better_in_context(how, windows):
    alone = gate_training.fit(replace(how, persistence=0.5), windows)
    caught = [
        gate_training.refused(g, windows)["cinc:~"]["refused"]
        for g in (alone, gate_training.fit(how, windows))
    ]
    assert caught[1] > caught[0]


def test_windows_of_each_length_are_reported_apart(gate, windows):
    longer = replace(windows, length_s=np.full(len(windows.group), 20.0))
    both = gate_data.join([windows, longer])
    score = np.r_[np.zeros(len(windows.group)), np.ones(len(windows.group))]
    found = gate_training.refused_by_length(gate, both, score)
    assert {row["refused"] for row in found["10 s"].values()} == {1.0}
    assert {row["refused"] for row in found["20 s"].values()} == {0.0}


def test_the_other_folds_speak_about_a_record(how, windows):
    """A feature that is noise by itself tells its own records apart, and not those of other folds."""
    rng = np.random.default_rng(1)
    groups = np.where(rng.random(200) < 0.5, "cinc:N", "cinc:~")
    blind = made(rng.standard_normal((200, len(NAMES))), groups)
    free = replace(how, ridge=1e-9, persistence=0.5)
    others = gate_training.cross_fit(free, blind).rhythm
    gate = gate_training.fit(free, blind)
    own = blind.features @ np.array(gate.weights)
    assert gate_scores.auroc(blind.clean, own) > 0.6
    assert gate_scores.auroc(blind.clean, others) < 0.6


def test_a_record_is_in_one_fold_with_noise_and_without(how):
    record = np.array(["mitdb:101"] * 3 + ["mitdb:106"] * 3)
    groups = np.array(["mitdb:sinus", "mitdb:em+0dB", "mitdb:ma+6dB mild"] * 2)
    both = Windows(np.zeros((6, len(NAMES))), groups, record, np.zeros(6, bool), np.full(6, 10.0))
    assert len(set(both.fold[:3])) == len(set(both.fold[3:])) == 1


def test_the_recipe_weighs_groups(how, windows):
    """Twice the weight: more of its noise is caught."""
    caught = [
        gate_training.refused(gate_training.fit(replace(how, weights=weights), windows), windows)
        for weights in ({"mitdb:em-6dB": 1e-6}, {"mitdb:em-6dB": 100.0})
    ]
    lost = [np.mean(c["cinc:~"]["refused"]) for c in caught]
    assert lost[0] >= lost[1]
    assert caught[0] != caught[1]


def test_windows_are_those_that_the_runtime_assesses(how):
    """Whole windows, and what is left at the end together with what came before it."""
    mv = synthesize([Segment("sinus", 25.0, 70.0)], 130.0, seed=1).mv
    x = prepare.filtered(mv, 130.0, how.fs)
    own, runtime = gate_data.alone(x, how), assess_quality(mv, 130.0)
    assert len(own.group) == len(runtime) == 3
    assert own.follows.tolist() == [False, True, True]
    gate = GateModel.load()
    assert gate_training.scores(gate, own) == pytest.approx([q.score for q in runtime], abs=0.01)


def test_a_window_without_a_group_breaks_the_run(how, monkeypatch):
    mv = synthesize([Segment("sinus", 40.0, 70.0)], how.fs, seed=1).mv
    flutter = data.Episode(1100, 1900, "VFL")
    beats = np.arange(50, 4000, 90)
    record = data.Record(
        "mitdb", "1", RECIPE, how.fs, len(mv), ("I",), "1",
        beats=beats, symbols=np.full(len(beats), "N"), rhythms=(flutter,),
    )  # fmt: skip
    monkeypatch.setattr(data.Record, "mv", property(lambda self: mv))
    kept = gate_data.annotated_windows(replace(how, lengths_s=(10.0,)), [record])
    assert kept.group.tolist() == ["mitdb:sinus"] * 3
    assert kept.follows.tolist() == [False, False, True]


def test_windows_are_kept_and_read_again(how, windows, tmp_path):
    asked = []
    reader = window_cache.cached(lambda: asked.append(1) or windows, how, "all", "CinC 2017", tmp_path)
    first, second = reader(), reader()
    assert asked == [1]
    for name in gate_data.ARRAYS:
        assert np.array_equal(getattr(first, name), getattr(second, name))
        assert np.array_equal(getattr(first, name), getattr(windows, name))
    window_cache.cached(reader, replace(how, mild_db=(9.0,)), "all", "CinC 2017", tmp_path)()
    window_cache.cached(reader, how, "few", "CinC 2017", tmp_path)()
    assert len(list((tmp_path / "windows").glob("*.npz"))) == 3


def test_a_group_with_few_windows_has_no_say_in_the_threshold(how, windows, gate):
    odd = made(np.full((10, len(NAMES)), -9.0), np.full(10, "mitdb:af"))
    both = gate_data.join([windows, odd])
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
    assert few.group.tolist() == ["cinc:N"] * 9
    assert few.length_s.tolist() == [10.0, 10.0, 20.0] * 3


def test_a_quick_training_reads_little_of_each_data_set(how, windows, monkeypatch):
    asked = []

    def note(value):
        asked.append(value)
        return windows

    monkeypatch.setattr(gate_data, "cinc_windows", lambda how, **asks: note(asks["limit"]))
    monkeypatch.setattr(gate_data, "annotated_windows", lambda how, records: note(len([*records])))
    monkeypatch.setattr(gate_data, "mixed_windows", lambda how, ids, *_, lead: note(ids))
    monkeypatch.setattr(gate_data, "ptbxl_windows", lambda how, folds, limit: note(limit))
    monkeypatch.setattr(gate_data, "cinc2011_windows", lambda how, verdicts, limit: note(limit))
    monkeypatch.setattr(gate_data, "shape_windows", lambda how, limit: note(limit))
    monkeypatch.setattr(gate_training, "_sources", lambda few: ())
    monkeypatch.setattr(gate_training.data, "mitdb", lambda ids: ids)
    monkeypatch.setattr(gate_training, "svdb", lambda: range(59))
    monkeypatch.setattr(gate_data, "motion_windows", lambda how, people: note(len(people)))
    gate_training.training_windows(how, lambda line: None, gate_training.Few(5, 2))
    assert asked == [5, 2, splits.DS1[:2], 2, 5, 5, 5, 2]
    asked.clear()
    gate_training.training_windows(how, lambda line: None)
    assert asked == [None, 22, splits.DS1, 59, None, None, None, gate_data.VALIDATES - 1]


def test_a_gate_goes_where_it_was_asked_for_and_else_into_the_work_folder(
    gate, windows, monkeypatch, tmp_path
):
    asked = []

    def build(how, command, log, few, work):
        asked.append(few)
        folds = {"10 s": gate_training.refused(gate, windows)}
        metrics = {"command": command, "noise_share": 0.03, "calibration_error": 0.01, "folds": folds}
        return gate_training.Fitted(gate, gate_training.draft(gate, windows, metrics))

    monkeypatch.setattr(gate_training, "build", build)
    train(RECIPE, work=tmp_path, quick=True)
    assert GateModel.load(tmp_path / "model") == gate
    train(RECIPE, work=tmp_path, out=tmp_path / "full")
    assert GateModel.load(tmp_path / "full") == gate
    assert [few is gate_training.ALL for few in asked] == [False, True]
