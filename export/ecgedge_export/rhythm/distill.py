"""Teachers, their answers about recordings that they did not see, and what learning from them is worth."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from torch import nn

from ecgedge_export import splits
from ecgedge_export.nets import RhythmNet
from ecgedge_export.prepare import Prepared
from ecgedge_export.progress import epoch_log
from ecgedge_export.recipe import Distill, Recipe
from ecgedge_export.rhythm import scores as evaluate
from ecgedge_export.rhythm.augment import Augmenter, Signal
from ecgedge_export.rhythm.training import train
from ecgedge_export.train import Embeddings, Lessons, logits, variants

Log = Callable[[str], None]
Logits = npt.NDArray[np.float32]


def lessons(
    recipe: Recipe, how: Distill, data: Prepared, augmenter: Augmenter, work: Path, log: Log
) -> Lessons:
    """Let teachers answer about ``data``, each about the recordings that it did not see.

    A teacher that answers about what it was trained on repeats the labels, their errors included; one that
    did not see them answers by what they look like.

    Parameters
    ----------
    recipe : Recipe
        The teacher's; it is trained ``how.folds`` times, or taken from ``work`` where that is done.
    how : Distill
        The student's part about distillation.
    data : Prepared
        The recordings that the student will learn from.
    viewer : Viewer
        Draws augmented windows for the teachers.
    work : Path
        A folder for the teachers' checkpoints.
    say : callable
        Takes lines about the progress.
    """
    # Every recording is in one fold, and its teacher was trained on the others.
    folds = np.array([splits.fold(i, how.folds) for i in data.ids])
    every = np.zeros((len(data.ids), len(recipe.classes)), np.float32)
    for k in range(how.folds):
        others = data.only((folds != k).tolist())
        own = replace(recipe, training=replace(recipe.training, seed=recipe.training.seed + k))
        net = train(
            own, others, augmenter, work / f"fold{k}" / "checkpoint.pt", epoch_log(log, f"teacher {k + 1}")
        )
        mine = np.flatnonzero(folds == k)
        every[mine] = answers(net, [data.signals[i] for i in mine], augmenter)
    return Lessons(every, how.weight, how.temperature)


def answers(net: nn.Module, signals: Sequence[Signal], augmenter: Augmenter) -> Logits:
    """Mean logits over the first and the last window of each recording, shape (recordings, classes)."""
    # Of a long recording the two windows show different stretches, of a short one the same.
    first = np.stack([augmenter.plain(s[: augmenter.n_samples]) for s in signals])
    last = np.stack([augmenter.plain(s) for s in signals])
    mean: Logits = (logits(net, first) + logits(net, last)) / np.float32(2)
    return mean


class Way(NamedTuple):
    """A way to learn: from which recordings and teachers, how they are varied, with how many seeds."""

    recordings: Prepared
    augmenter: Augmenter
    seeds: int
    lessons: Lessons | None = None
    embeddings: Embeddings | None = None


def ways(
    learn: Prepared,
    augmenter: Augmenter,
    seeds: int,
    taught: Lessons | None = None,
    more: tuple[Prepared, Lessons] | None = None,
    embeddings: Embeddings | None = None,
) -> dict[str, Way]:
    """Every way to learn that a recipe's teachers allow, with ``seeds`` seeds; two of them once.

    Those are the labels without noise in the augmentation, which shows what noise costs a student that never
    heard any, and learning from ``more``: all recordings and what is answered about them, those of the
    twelve-lead teacher included.
    """
    found = {"labels": Way(learn, augmenter, seeds)}
    if taught:
        found = {name: Way(learn, augmenter, seeds, how) for name, how in variants(taught).items()}
    if embeddings:
        found["embeddings"] = Way(learn, augmenter, seeds, None, embeddings)
    found["labels, no noise"] = Way(learn, augmenter.without_noise(), 1)
    if more:
        found["distilled, twelve leads too"] = Way(more[0], augmenter, 1, more[1])
    return found


def compare(
    recipe: Recipe,
    tried: Mapping[str, Way],
    validation: Prepared,
    noisy: Mapping[str, Prepared],
    work: Path,
    log: Log,
) -> dict[str, Any]:
    """Train the student in every way, the same budget each; return what each is worth over the labels.

    Parameters
    ----------
    tried : mapping of str to Way
        From :func:`ways`.
    validation : Prepared
        Recordings that validate: float students, last window of each, no gate.
    noisy : mapping of str to Prepared
        The same with noise of some kinds.
    """
    heard = {"": validation, **noisy}
    plain = tried["labels"].augmenter.plain
    windows = {kind: np.stack([plain(s) for s in side.signals]) for kind, side in heard.items()}
    answers = {
        name: [
            {kind: _labels(net, x, recipe.classes) for kind, x in windows.items()}
            for net in _students(recipe, name, way, work, log)
        ]
        for name, way in tried.items()
    }
    labels = answers["labels"]
    return {name: _row(validation.labels, each, labels[: len(each)]) for name, each in answers.items()}


def _students(recipe: Recipe, name: str, way: Way, work: Path, log: Log) -> Iterator[RhythmNet]:
    for seed in range(1, way.seeds + 1):
        own = replace(recipe, training=replace(recipe.training, seed=seed))
        checkpoint = work / f"{re.sub('[^a-z]+', '-', name)}-{seed}" / "checkpoint.pt"
        told = epoch_log(log, f"{name}, {seed}")
        yield train(own, way.recordings, way.augmenter, checkpoint, told, way.lessons, way.embeddings)


def _labels(net: nn.Module, windows: npt.NDArray[np.float32], classes: Sequence[str]) -> list[str]:
    return [classes[i] for i in logits(net, windows).argmax(axis=1)]


def _row(
    truth: list[str], by_seed: list[dict[str, list[str]]], base: list[dict[str, list[str]]]
) -> dict[str, Any]:
    f1 = [{kind: evaluate.mean_f1(truth, labels) for kind, labels in seed.items()} for seed in by_seed]
    gain, low, high = evaluate.mean_f1_gain(truth, [s[""] for s in by_seed], [s[""] for s in base])
    kinds = [kind for kind in f1[0] if kind]
    return {
        "mean_f1_nao": [round(seed[""], 4) for seed in f1],
        "gain_over_labels": round(gain, 4),
        "gain_95": [round(low, 4), round(high, 4)],
        "fall_in_noise": {k: round(float(np.mean([s[""] - s[k] for s in f1])), 4) for k in kinds},
    }
