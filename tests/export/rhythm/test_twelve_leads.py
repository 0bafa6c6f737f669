"""The teacher with twelve leads answers about people whom it did not see, on lead I that hides something."""

from dataclasses import replace

import numpy as np
import pytest

from ecgedge_export.prepare import Prepared
from ecgedge_export.recipe import Distill, Net, Recipe, Training
from ecgedge_export.rhythm import twelve_leads
from ecgedge_export.train import Lessons

HOW = Distill("teacher", weight=0.4, temperature=3.0)
N = 48


def quiet(_: str) -> None:
    pass


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    net = Net((8, 7, 4), ((8, 7, 1), (8, 7, 1)), 0.0)
    training = Training(epochs=25, batch=12, lr=1e-2, threads=1)
    roles = {"N": "normal", "A": "af", "O": "other", "~": "noise"}
    return Recipe("t", "rhythm", 100.0, 9.6, 10.0, 9.6, 1.5, tuple("NAO~"), roles, net, training)


@pytest.fixture(scope="module")
def people() -> twelve_leads.People:
    """Lead I is the same noise for everybody; the others have a slow wave in A, a fast one in N."""
    rng = np.random.default_rng(0)
    labels = ["AN"[i % 2] for i in range(N)]
    windows = rng.normal(0, 0.1, (N, 12, 960)).astype(np.float32)
    for i, label in enumerate(labels):
        windows[i, 1:] += np.sin(2 * np.pi * (1 if label == "A" else 7) * np.arange(960) / 100)
    known = ["" if i in (3, 4, 17) else label for i, label in enumerate(labels)]
    halves = np.arange(N) // 2 % 2
    signals = [w[0].copy() for w in windows]
    return twelve_leads.People([f"p{i}" for i in range(N)], known, halves, windows, signals)


@pytest.fixture(scope="module")
def taught(recipe, people, tmp_path_factory) -> tuple[Prepared, Lessons]:
    return twelve_leads.lessons(recipe, HOW, people, tmp_path_factory.mktemp("w"), quiet)


def test_it_knows_what_lead_i_does_not_show(taught, people) -> None:
    recordings, said = taught
    best = ["NAO~"[i] for i in said.logits.argmax(axis=1)]
    assert np.mean([best[i] == "AN"[i % 2] for i in range(N)]) > 0.9
    assert (said.weight, said.temperature) == (0.4, 3.0)
    assert all(np.array_equal(a, b) for a, b in zip(recordings.signals, people.lead_i, strict=True))


def test_an_open_label_becomes_what_it_says_and_a_known_one_stays(taught, people) -> None:
    recordings, said = taught
    for i, known in enumerate(people.labels):
        assert recordings.labels[i] == (known or "NAO~"[said.logits[i].argmax()])


def test_nobody_is_answered_for_by_a_teacher_who_saw_them(recipe, people, taught, tmp_path) -> None:
    other = replace(
        people, labels=["O" if h else x for h, x in zip(people.halves, people.labels, strict=True)]
    )
    _, again = twelve_leads.lessons(recipe, HOW, other, tmp_path, quiet)
    same = (again.logits == taught[1].logits).all(axis=1)
    assert same[people.halves == 1].all(), "their teacher learnt from the first half, which is as it was"
    assert not same[people.halves == 0].any()


def test_two_data_sets_become_one(taught) -> None:
    ours = Prepared(["a"], ["~"], [np.zeros(10, np.float32)]), Lessons(np.ones((1, 4), np.float32), 0.5, 2.0)
    both, said = twelve_leads.joined(ours, taught)
    assert (both.ids[:2], both.labels[0], len(both.signals)) == (["a", "p0"], "~", N + 1)
    assert said.logits.shape == (N + 1, 4)
    assert (said.weight, said.temperature) == (0.5, 2.0)
