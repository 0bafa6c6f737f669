"""What the beat-class model is worth on records that it did not see, with and without teachers.

The records of DS1 and of the Supraventricular Arrhythmia Database are cut into five. Each student is trained
on four parts and everything that is not of these records, and validated on the fifth: float, on beats that
the detector finds in the first lead. Choices are made here, so that DS2 is left for the test.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from ecgedge_export.beat_classes.build import teach, with_prior
from ecgedge_export.beat_classes.gather import OF_RECORDS, TAUGHT, UNKNOWN, BeatSet
from ecgedge_export.beat_classes.scores import CLASSES, NONE, Matrix, score
from ecgedge_export.beat_classes.training import BeatAugmenter, BeatClassRecipe, Log, answers, train
from ecgedge_export.progress import epoch_log
from ecgedge_export.rhythm.scores import Gain, interval
from ecgedge_export.train import variants

FOLDS = 5  # four or five records of DS1 in each, and twelve of svdb
ANNOTATED = ("mitdb", "svdb")  # the sources whose records validate
Predicted = npt.NDArray[np.int64]


class Named(Protocol):
    """Beats with their classes and where they are from; a BeatSet is one."""

    @property
    def symbols(self) -> npt.NDArray[np.str_]: ...
    @property
    def record(self) -> npt.NDArray[np.str_]: ...
    @property
    def source(self) -> npt.NDArray[np.str_]: ...


def folds(beats: Named) -> dict[str, int]:
    """Fold of each annotated record: of either set, those with most S are dealt out first, there and back, so
    that each fold has some."""
    fold_of: dict[str, int] = {}
    for source in ANNOTATED:
        here = beats.source == source
        names = np.array([r.partition("/")[0] for r in beats.record[here].tolist()])
        n_s = {r: int(np.sum(beats.symbols[here][names == r] == "S")) for r in np.unique(names).tolist()}
        # Dealt out like cards, richest first: few records hold nearly all S beats.
        order = sorted(n_s, key=lambda r: -n_s[r])
        there_and_back = [*range(FOLDS), *reversed(range(FOLDS))]
        fold_of |= {r: there_and_back[i % len(there_and_back)] for i, r in enumerate(order)}
    return fold_of


def compare(
    how: BeatClassRecipe, beats: BeatSet, augmenter: BeatAugmenter, seeds: int, work: Path, log: Log
) -> dict[str, Any]:
    """Train students in every way with ``seeds`` seeds, the same budget each; what each way is worth.

    Returns
    -------
    dict
        For each way and set of records: VEB and SVEB F1 by seed, and the gain over labels alone with its
        95 % interval (bootstrap over records, all seeds together).
    """
    fold_of = folds(beats)
    found: dict[str, list[dict[str, Matrix]]] = {}
    for seed in range(1, seeds + 1):
        own = replace(how, training=replace(how.training, seed=seed))
        for k in range(FOLDS):
            held_out = [r for r, f in fold_of.items() if f == k]
            for variant, by_record in _fold(
                own, beats, augmenter, held_out, work / f"{seed}-{k}", log
            ).items():
                runs = found.setdefault(variant, [])
                if len(runs) < seed:
                    runs.append({})
                runs[-1] |= by_record
    return {name: _by_set(runs, found["labels"]) for name, runs in found.items()}


def _by_set(runs: list[dict[str, Matrix]], base: list[dict[str, Matrix]]) -> dict[str, Any]:
    def rows(ds1: bool) -> dict[str, Any]:
        of_set = [
            [{r: m for r, m in run.items() if (r.partition("/")[0] in TAUGHT) == ds1} for run in each]
            for each in (runs, base)
        ]
        return _row(*of_set) if of_set[0][0] else {}

    return {"MIT-BIH DS1": rows(ds1=True), "svdb": rows(ds1=False)}


def _fold(
    how: BeatClassRecipe, beats: BeatSet, augmenter: BeatAugmenter, held_out: list[str], work: Path, log: Log
) -> dict[str, dict[str, Matrix]]:
    """Confusion matrices of the records that were held out, by the students of each variant."""
    learn, validation = sides(beats, held_out)
    found = {}
    for variant, taught in variants(teach(how, learn, augmenter, work, log)).items():
        file = work / f"{variant.replace(' ', '-').replace(chr(39), '')}.pt"
        net = with_prior(
            train(how, learn, augmenter, file, epoch_log(log, f"fold {work.name}, {variant}"), taught), how
        )
        found[variant] = confusions(validation, answers([net], validation, how.clip).argmax(axis=1))
    return found


class Sides(NamedTuple):
    """Beats to learn from, and the first leads of the records that validate."""

    learn: BeatSet
    validation: BeatSet


def sides(beats: BeatSet, held_out: list[str]) -> Sides:
    """Hold annotated records out: all leads of each, and what was made of it."""
    names = np.array([r.partition("/")[0] for r in beats.record.tolist()])
    theirs = np.isin(names, held_out) & np.isin(beats.source, OF_RECORDS)
    first = theirs & np.isin(beats.source, ANNOTATED) & np.char.endswith(beats.record, "/0")
    return Sides(beats.only(~theirs), beats.only(first))


def confusions(beats: Named, predicted: Predicted) -> dict[str, Matrix]:
    """Confusion matrix of each record, rows what beats are; what is no beat is in the last."""
    names = CLASSES + NONE
    truth = np.array([names.index(s if s != UNKNOWN else NONE) for s in beats.symbols.tolist()], np.int64)
    found = {}
    for record in np.unique(beats.record).tolist():
        here = beats.record == record
        matrix = np.zeros((len(names), len(names)), np.int64)
        np.add.at(matrix, (truth[here], predicted[here]), 1)
        found[record] = matrix
    return found


def f1(matrices: list[Matrix], symbol: str) -> float:
    """F1 of a class over several records."""
    return score(np.sum(matrices, axis=0), symbol).f1


def _row(runs: list[dict[str, Matrix]], base: list[dict[str, Matrix]]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, symbol in (("VEB", "V"), ("SVEB", "S")):
        more, low, high = gain(runs, base, symbol)
        row[name] = {
            "f1": [round(f1(list(run.values()), symbol), 4) for run in runs],
            "gain_over_labels": round(more, 4),
            "gain_95": [round(low, 4), round(high, 4)],
        }
    return row


def gain(runs: list[dict[str, Matrix]], base: list[dict[str, Matrix]], symbol: str) -> Gain:
    """Mean difference of F1 between runs with the same seeds, and its 95 % interval over records."""
    records = sorted(runs[0])

    def difference(chosen: list[str]) -> float:
        pairs = zip(runs, base, strict=True)
        each = [f1([a[r] for r in chosen], symbol) - f1([b[r] for r in chosen], symbol) for a, b in pairs]
        return float(np.mean(each))

    return Gain(
        difference(records),
        *interval(len(records), lambda drawn: difference([records[i] for i in drawn])),
    )
