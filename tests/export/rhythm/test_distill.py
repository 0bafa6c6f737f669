"""A teacher answers about what it did not see, and the student learns from that."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ecgedge_export import splits
from ecgedge_export.recipe import Distill
from ecgedge_export.rhythm import distill
from ecgedge_export.rhythm.augment import Augmenter
from ecgedge_export.train import Embeddings, Lessons

HOW = Distill("teacher", folds=2)
WRONG = (3, 4, 17)  # recordings whose label is not what they are


@pytest.fixture(scope="module")
def augmenter(small):
    return Augmenter(small.fs, small.n_samples, small.clip, small.augment, [])


@pytest.fixture(scope="module")
def mislabelled(data):
    return replace(data, labels=["AN"[(label == "N") ^ (i in WRONG)] for i, label in enumerate(data.labels)])


@pytest.fixture(scope="module")
def teacher(small):
    return replace(small, training=replace(small.training, epochs=40))


@pytest.fixture(scope="module")
def taught(teacher, mislabelled, augmenter, tmp_path_factory):
    return distill.lessons(
        teacher, HOW, mislabelled, augmenter, tmp_path_factory.mktemp("t"), lambda line: None
    )


def test_the_teacher_sees_through_wrong_labels(small, data, taught):
    said = [small.classes[i] for i in taught.logits.argmax(axis=1)]
    assert [said[i] for i in WRONG] == [data.labels[i] for i in WRONG]
    assert np.mean(np.array(said) == data.labels) > 0.9


def test_each_teacher_is_kept_from_its_own_recordings(
    teacher, data, mislabelled, augmenter, taught, tmp_path
):
    fold = np.array([splits.fold(i, 2) for i in data.ids])
    assert 16 < fold.sum() < 48
    # Other labels in the second fold change what is said of the first one, and nothing else.
    other = replace(
        mislabelled, labels=["N" if f else x for f, x in zip(fold, mislabelled.labels, strict=True)]
    )
    again = distill.lessons(teacher, HOW, other, augmenter, tmp_path, lambda line: None)
    same = (again.logits == taught.logits).all(axis=1)
    assert not same[fold == 0].any()
    assert same[fold == 1].all()


def test_the_blend_goes_from_labels_to_teacher():
    said = torch.tensor([[2.0, -1.0], [0.0, 1.0]])
    hard, chosen = torch.tensor(0.7), np.array([1, 0])
    agrees = Lessons(said.numpy()[[1, 0]], weight=1.0, temperature=3.0)
    assert float(agrees.blend(hard, said, chosen)) == pytest.approx(0.0, abs=1e-6)
    assert float(replace(agrees, weight=0.0).blend(hard, said, chosen)) == pytest.approx(0.7)
    differs = Lessons(-agrees.logits, weight=1.0, temperature=1.0)
    p, q = torch.softmax(-said, 1), torch.softmax(said, 1)
    expected = float((p * (p / q).log()).sum(1).mean())
    assert float(differs.blend(hard, said, chosen)) == pytest.approx(expected, rel=1e-5)


def test_the_table_compares_all_ways_to_learn(small, data, taught, augmenter, tmp_path):
    quick = replace(small, training=replace(small.training, epochs=1))
    silent = replace(data, signals=[np.zeros_like(s) for s in data.signals])
    more = data.only([i < 40 for i in range(len(data.ids))]), replace(taught, logits=taught.logits[:40])
    vectors = np.tile(np.eye(2, 3, dtype=np.float32), (len(data.ids) // 2, 1))
    tried = distill.ways(data, augmenter, 2, taught, more, Embeddings(vectors, 0.5))
    rows = distill.compare(quick, tried, data, {"off": silent}, tmp_path, lambda line: None)
    twice = ["labels", "teacher's choice", "distilled", "embeddings"]
    assert list(rows) == [*twice, "labels, no noise", "distilled, twelve leads too"]
    by_one_label = min(distill.evaluate.mean_f1(data.labels, [c] * len(data.labels)) for c in "NA")
    for row in rows.values():
        heard = np.mean(row["mean_f1_nao"]) - row["fall_in_noise"]["off"]
        assert heard >= by_one_label - 1e-3, "a flat line is called the same thing every time"
    assert rows["labels"]["gain_over_labels"] == 0
    assert [len(row["mean_f1_nao"]) for row in rows.values()] == [2, 2, 2, 2, 1, 1]
    assert all(row["gain_95"][0] <= row["gain_over_labels"] <= row["gain_95"][1] for row in rows.values())
    assert len(list(tmp_path.glob("*/checkpoint.pt"))) == 10
