"""A teacher that sees twelve leads: what the others show of a rhythm, for a student that has lead I alone.

PTB-XL's people are no people of CinC 2017, and eleven leads show P waves that lead I hides. Teachers are
trained on half of the folds and answer about the other half, so that no answer is a label learnt by heart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ecgedge.stream.amplitude import model_input
from ecgedge_export import data, prepare
from ecgedge_export.nets import RhythmNet
from ecgedge_export.prepare import Prepared
from ecgedge_export.progress import epoch_log
from ecgedge_export.recipe import Distill, Recipe
from ecgedge_export.train import Lessons, Run, logits

Log = Callable[[str], None]
Floats = npt.NDArray[np.float32]

LEADS = 12
# The release's own: 7 and 8 choose the limits of short stretches, 9 validates, 10 tests.
TAUGHT_FOLDS = range(1, 7)
HALVES = 2  # each half of the people is answered by the teacher of the other one
# SCP-ECG statements that CinC 2017 would call "other rhythm": flutter, unclear and supraventricular
# arrhythmia, bi- and trigeminy, pacing, premature beats, block of second or third degree.
OTHER = frozenset("AFLT SVARR PSVT SVTAC BIGU TRIGU PACE PAC PVC PRC(S) 2AVB 3AVB".split())
# Electrodes get swapped and come off: a quarter upside down as for lead I, one lead in ten without signal.
P_FLIP, P_LOST = 0.25, 0.1


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """Recordings of PTB-XL, folds 1 to 6.

    ``labels`` are N, A, O, or "" where the statements leave it open; ``halves`` (n,) say which teacher
    answers, by patient; ``windows`` (n, 12, time) are what a teacher sees; ``lead_i`` is filtered, in mV.
    """

    ids: list[str]
    labels: list[str]
    halves: npt.NDArray[np.int64]
    windows: Floats
    lead_i: list[prepare.Signal]


def label(statements: Mapping[str, float]) -> str:
    """Class of a recording by its SCP-ECG statements, "" where CinC 2017 has no clear name for it.

    Examples
    --------
    >>> label({"AFIB": 0.0, "PVC": 100.0}), label({"SR": 0.0, "PAC": 100.0}), label({"SR": 0.0})
    ('A', 'O', 'N')
    >>> label({"STACH": 0.0})
    ''
    """
    named = statements.keys()
    if "AFIB" in named:
        return "A"
    return "O" if OTHER & named else "N" if "SR" in named else ""


def people(recipe: Recipe, limit: int | None = None) -> People:
    """Read PTB-XL; ``limit`` keeps that many recordings.

    Raises
    ------
    ConfigError
        The data set is not at hand.
    """
    records = [r for r in data.ptbxl() if r.fold in TAUGHT_FOLDS][:limit]
    leads = [[prepare.filtered(x, r.fs, recipe.fs) for x in r.signal().T] for r in records]
    windows = [[model_input(x, recipe.fs, recipe.n_samples, recipe.clip) for x in each] for each in leads]
    return People(
        [f"ptb-xl/{r.id}" for r in records],
        [label(r.statements) for r in records],
        np.array([(r.fold or 0) % HALVES for r in records]),
        np.array(windows, np.float32),
        [each[0] for each in leads],
    )


def lessons(recipe: Recipe, how: Distill, who: People, work: Path, log: Log) -> tuple[Prepared, Lessons]:
    """Let teachers answer about lead I of people whom they did not see.

    Where the statements leave the class open, the answer stands for the label too.
    """
    said = answers(recipe, who, work, log)
    guessed = [recipe.classes[i] for i in said.argmax(axis=1)]
    labels = [known or guess for known, guess in zip(who.labels, guessed, strict=True)]
    return Prepared(who.ids, labels, who.lead_i), Lessons(said, how.weight, how.temperature)


def answers(recipe: Recipe, who: People, work: Path, log: Log) -> Floats:
    """Logits about each recording, by the teacher that saw the other half of the people: (n, classes)."""
    found = np.zeros((len(who.ids), len(recipe.classes)), np.float32)
    for k in range(HALVES):
        own = replace(recipe, training=replace(recipe.training, seed=recipe.training.seed + k))
        known = np.flatnonzero((who.halves != k) & (np.array(who.labels) != ""))
        net = _train(own, who, known, work / f"half{k}.pt", epoch_log(log, f"twelve leads, {k + 1}"))
        mine = np.flatnonzero(who.halves == k)
        found[mine] = logits(net, who.windows[mine])
    return found


def joined(a: tuple[Prepared, Lessons], b: tuple[Prepared, Lessons]) -> tuple[Prepared, Lessons]:
    """Recordings of two data sets with the answers about them."""
    (ours, said), (theirs, more) = a, b
    return ours.joined(theirs), replace(said, logits=np.concatenate([said.logits, more.logits]))


def _train(
    recipe: Recipe,
    who: People,
    known: npt.NDArray[np.int64],
    checkpoint: Path,
    progress: Callable[[int, int, float], None],
) -> RhythmNet:
    how, net = recipe.training, recipe.net
    torch.manual_seed(how.seed)
    untrained = RhythmNet(len(recipe.classes), net.stem, net.stages, net.dropout, LEADS, plain=net.plain)
    targets = np.array([recipe.classes.index(who.labels[i]) for i in known])
    run = Run(untrained, targets, len(recipe.classes), how, how.epochs * -(-len(known) // how.batch), None)
    trained = run.finish(checkpoint, lambda rng: _batches(who.windows[known], how.batch, rng), progress)
    assert isinstance(trained, RhythmNet)
    return trained


def _batches(
    windows: Floats, size: int, rng: np.random.Generator
) -> Iterator[tuple[Tensor, npt.NDArray[np.int64]]]:
    """All recordings in random order: some upside down, some leads off."""
    order = rng.permutation(len(windows))
    for chosen in np.split(order, range(size, len(order), size)):
        sign = np.where(rng.random((len(chosen), 1, 1)) < P_FLIP, -1, 1)
        on = rng.random((len(chosen), LEADS, 1)) >= P_LOST
        yield torch.from_numpy((windows[chosen] * sign * on).astype(np.float32)), chosen
