"""Teachers, what they say of recordings that they did not see, and what learning from them is worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from ecgedge_export import evaluate, splits
from ecgedge_export.augment import Signal, Viewer
from ecgedge_export.prepare import Prepared
from ecgedge_export.recipe import Distill, Recipe
from ecgedge_export.train import Lessons, logits, train

Say = Callable[[str], None]
Logits = npt.NDArray[np.float32]


def lessons(recipe: Recipe, how: Distill, data: Prepared, viewer: Viewer, work: Path, say: Say) -> Lessons:
    """Let teachers answer about ``data``, each about the recordings that it did not see.

    A teacher that answers about what it was trained on repeats the labels, their errors included; one that
    did not see them says what they look like.

    Parameters
    ----------
    recipe : Recipe
        The teacher's; it is trained ``how.folds`` times, or taken from ``work`` where that is done.
    how : Distill
        The student's part about distillation.
    data : Prepared
        The recordings that the student will learn from.
    viewer : Viewer
        Draws training views for the teachers.
    work : Path
        A folder for the teachers' checkpoints.
    say : callable
        Takes lines about the progress.
    """
    folds = np.array([splits.fold(i, how.folds) for i in data.ids])
    said = np.zeros((len(data.ids), len(recipe.classes)), np.float32)
    for k in range(how.folds):
        others = data.only((folds != k).tolist())
        own = replace(recipe, training=replace(recipe.training, seed=recipe.training.seed + k))
        name = f"teacher {k + 1}/{how.folds}"
        net = train(own, others, viewer, work / f"fold{k}" / "checkpoint.pt", _teller(say, name))
        mine = np.flatnonzero(folds == k)
        said[mine] = answers(net, [data.signals[i] for i in mine], viewer)
    return Lessons(said, how.weight, how.temperature)


def answers(net: nn.Module, signals: Sequence[Signal], viewer: Viewer) -> Logits:
    """Mean logits over the first and the last window of each recording, shape (recordings, classes)."""
    first = np.stack([viewer.plain(s[: viewer.n_samples]) for s in signals])
    last = np.stack([viewer.plain(s) for s in signals])
    mean: Logits = (logits(net, first) + logits(net, last)) / np.float32(2)
    return mean


def arms(taught: Lessons) -> dict[str, Lessons | None]:
    """Ways to learn: from the labels, from the teacher's choice, from all that the teacher thinks."""
    # A choice as logits: so far apart that no temperature in use lets another class through.
    choice = np.where(taught.logits == taught.logits.max(axis=1, keepdims=True), 50, -50).astype(np.float32)
    return {
        "labels": None,
        "teacher's choice": replace(taught, logits=choice, temperature=1.0),
        "distilled": taught,
    }


def compare(
    recipe: Recipe,
    taught: Lessons,
    sides: tuple[Prepared, Prepared],
    viewer: Viewer,
    seeds: int,
    work: Path,
    say: Say,
) -> dict[str, Any]:
    """Train the student in every way with ``seeds`` seeds, the same budget each; return what each is worth.

    Parameters
    ----------
    sides : tuple of Prepared
        Recordings to learn from, and to judge by: float students, last window of each, no gate.
    """
    learn, judge = sides
    windows = np.stack([viewer.plain(s) for s in judge.signals])
    said: dict[str, list[list[str]]] = {}
    for name, taught_how in arms(taught).items():
        for seed in range(1, seeds + 1):
            own = replace(recipe, training=replace(recipe.training, seed=seed))
            folder = work / f"{name.replace(' ', '-').replace(chr(39), '')}-{seed}"
            tell = _teller(say, f"{name}, seed {seed}")
            net = train(own, learn, viewer, folder / "checkpoint.pt", tell, taught_how)
            best = logits(net, windows).argmax(axis=1)
            said.setdefault(name, []).append([recipe.classes[i] for i in best])
    return _table(judge.labels, said)


def _table(truth: list[str], said: dict[str, list[list[str]]]) -> dict[str, Any]:
    rows: dict[str, Any] = {}
    for name, by_seed in said.items():
        gain, low, high = evaluate.mean_f1_gain(truth, by_seed, said["labels"])
        rows[name] = {
            "mean_f1_nao": [round(evaluate.mean_f1(truth, s), 4) for s in by_seed],
            "gain_over_labels": round(gain, 4),
            "gain_95": [round(low, 4), round(high, 4)],
        }
    return rows


def _teller(say: Say, who: str) -> Callable[[int, int, float], None]:
    return lambda done, of, loss: say(f"{who}: epoch {done}/{of}: loss {loss:.4f}")
