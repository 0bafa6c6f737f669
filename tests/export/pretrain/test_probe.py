"""Probes on what can be told apart, and on what cannot; areas against counting pairs."""

import numpy as np
import pytest
from cohorts import cohort

from ecgedge_export.pretrain import probe, scores
from ecgedge_export.pretrain.trainer import Plan, seeded


def test_probe_finds_a_line_and_its_optimum():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, 3)).astype(np.float32)
    y = (x @ np.array([[1.0, -1.0], [0.0, 2.0], [0.5, 0.0]]) > 0.3).astype(np.float32)
    fitted = probe.Probe(x[:200], y[:200])
    assert ((fitted(x[200:]) > 0) == (y[200:] > 0)).mean() > 0.93
    # At the optimum of a penalised regression the residuals of the intercept sum to 0.
    p = 1 / (1 + np.exp(-fitted(x[:200])))
    assert np.abs((p - y[:200]).mean(0)).max() < 1e-3


def test_exclusive_probe_names_one_of_three():
    rng = np.random.default_rng(1)
    label = rng.integers(3, size=300)
    x = (np.eye(3)[label] * 3 + rng.standard_normal((300, 3))).astype(np.float32)
    fitted = probe.Probe(x, np.eye(3, dtype=np.float32)[label], exclusive=True)
    assert (fitted(x).argmax(1) == label).mean() > 0.9


def test_encoder_and_fine_tune_tell_waves_apart_but_not_shuffled_labels():
    who = cohort(96)
    encoder = seeded(Plan())
    truth = who.superclasses[:, :2]
    every = np.ones((1, len(who)), np.float32)
    plan = Plan(epochs=4, batch=16)
    for said in (
        probe.probed([encoder] * 2, who, truth),
        probe.tuned([encoder] * 2, who, truth, plan),
    ):
        assert float(scores.macro_auroc(said, truth, every)[0]) > 0.9
    shuffled = np.random.default_rng(0).permutation(truth)
    said = probe.probed([encoder] * 2, who, shuffled)
    assert 0.3 < float(scores.macro_auroc(said, shuffled, every)[0]) < 0.7


def test_nobody_is_answered_for_by_what_saw_his_label():
    who = cohort(32)
    seen = []

    def answer(k, learn):
        seen.append(learn)
        return np.full(((~learn).sum(), 1), k, np.float32)

    said = probe.out_of_fold(who, answer)
    for k, learn in enumerate(seen):
        assert not set(who.folds[learn]) & set(who.folds[said[:, 0] == k])
    assert np.logical_xor(*seen).all()


def slow_auroc(values, truth, weights):
    """Count pairs; a tie is half a pair."""
    total = hits = 0.0
    for a, ta, wa in zip(values, truth, weights, strict=True):
        for b, tb, wb in zip(values, truth, weights, strict=True):
            if ta and not tb:
                total += wa * wb
                hits += wa * wb * (1.0 if a > b else 0.5 if a == b else 0.0)
    return hits / total


def test_areas_are_those_of_counted_pairs():
    rng = np.random.default_rng(2)
    values = rng.integers(6, size=30).astype(np.float32)
    truth = rng.integers(2, size=30).astype(np.float32)
    weights = rng.integers(3, size=(4, 30)).astype(np.float32)
    expected = [slow_auroc(values, truth, w) for w in weights]
    assert scores.auroc(values, truth, weights).tolist() == pytest.approx(expected, rel=1e-5)


def test_draws_are_of_patients_and_a_gain_is_paired():
    patients = ["a", "a", "b", "c", "c", "d"]
    drawn = scores.draws(patients, n=50)
    assert (drawn[0] == 1).all()
    assert (drawn[:, 0] == drawn[:, 1]).all()
    assert (drawn[:, 3] == drawn[:, 4]).all()
    people = drawn[:, [0, 2, 3, 5]].sum(1)
    assert (people == 4).all()
    noisy = np.random.default_rng(0).uniform(0, 1, 51)
    assert scores.gain([noisy + 0.1], [noisy]) == pytest.approx((0.1, 0.1, 0.1))
