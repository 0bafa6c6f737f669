"""What the beat-class model is worth on records of DS1 that it did not see, with and without teachers.

DS1 is cut into five by record. Each student is trained on four parts and everything that is not MIT-BIH, and
judged by the fifth: float, on beats that the detector finds in the first lead. Here, choices are made.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ecgedge_export.beat_classes.build import teach, with_prior
from ecgedge_export.beat_classes.gather import TAUGHT, UNKNOWN, BeatSet
from ecgedge_export.beat_classes.scores import CLASSES, NONE, Matrix, score
from ecgedge_export.beat_classes.training import BeatClassRecipe, BeatViewer, Say, answers, train
from ecgedge_export.progress import telling
from ecgedge_export.rhythm.scores import interval
from ecgedge_export.train import variants

FOLDS = 5
Said = npt.NDArray[np.int64]


def folds(beats: BeatSet) -> dict[str, int]:
    """Fold of each DS1 record: those with most S are dealt out first, so that each fold has some."""
    name = np.array([r.partition("/")[0] for r in beats.record.tolist()])
    count = {r: int(np.sum((name == r) & (beats.source == "mitdb") & (beats.symbols == "S"))) for r in TAUGHT}
    order = sorted(TAUGHT, key=lambda r: -count[r])
    return {r: i % FOLDS for i, r in enumerate(order)}


def compare(
    how: BeatClassRecipe, beats: BeatSet, views: BeatViewer, seeds: int, work: Path, say: Say
) -> dict[str, Any]:
    """Train students in every way with ``seeds`` seeds, the same budget each; what each way is worth.

    Returns
    -------
    dict
        For each way: VEB and SVEB F1 by seed, and the gain over labels alone with its 95 % interval
        (bootstrap over records, all seeds together).
    """
    fold_of = folds(beats)
    found: dict[str, list[dict[str, Matrix]]] = {}
    for seed in range(1, seeds + 1):
        own = replace(how, training=replace(how.training, seed=seed))
        for k in range(FOLDS):
            judged = [r for r, f in fold_of.items() if f == k]
            for variant, by_record in _fold(own, beats, views, judged, work / f"{seed}-{k}", say).items():
                runs = found.setdefault(variant, [])
                if len(runs) < seed:
                    runs.append({})
                runs[-1] |= by_record
    return {name: _row(runs, found["labels"]) for name, runs in found.items()}


def _fold(
    how: BeatClassRecipe, beats: BeatSet, views: BeatViewer, judged: list[str], work: Path, say: Say
) -> dict[str, dict[str, Matrix]]:
    """Confusion matrices of the records that are judged, by the students of each variant."""
    learn, judge = _sides(beats, judged)
    found = {}
    for variant, taught in variants(teach(how, learn, views, work, say)).items():
        file = work / f"{variant.replace(' ', '-').replace(chr(39), '')}.pt"
        net = with_prior(
            train(how, learn, views, file, telling(say, f"fold {work.name}, {variant}"), taught), how
        )
        found[variant] = confusions(judge, answers([net], judge, how.clip).argmax(axis=1))
    return found


def _sides(beats: BeatSet, judged: list[str]) -> tuple[BeatSet, BeatSet]:
    """Beats to learn from, and the first leads of the records that judge."""
    ours = beats.source == "mitdb"
    theirs = np.isin(beats.record, [f"{r}/{lead}" for r in judged for lead in (0, 1)]) & ours
    first = np.isin(beats.record, [f"{r}/0" for r in judged]) & ours
    return beats.only(~theirs), beats.only(first)


def confusions(beats: BeatSet, said: Said) -> dict[str, Matrix]:
    """Confusion matrix of each record, rows what beats are; what is no beat is in the last."""
    names = CLASSES + NONE
    truth = np.array([names.index(s if s != UNKNOWN else NONE) for s in beats.symbols.tolist()], np.int64)
    found = {}
    for record in np.unique(beats.record).tolist():
        here = beats.record == record
        matrix = np.zeros((len(names), len(names)), np.int64)
        np.add.at(matrix, (truth[here], said[here]), 1)
        found[record] = matrix
    return found


def _f1(matrices: list[Matrix], symbol: str) -> float:
    return score(np.sum(matrices, axis=0), symbol).f1


def _row(runs: list[dict[str, Matrix]], base: list[dict[str, Matrix]]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, symbol in (("VEB", "V"), ("SVEB", "S")):
        gain, low, high = _gain(runs, base, symbol)
        row[name] = {
            "f1": [round(_f1(list(run.values()), symbol), 4) for run in runs],
            "gain_over_labels": round(gain, 4),
            "gain_95": [round(low, 4), round(high, 4)],
        }
    return row


def _gain(
    runs: list[dict[str, Matrix]], base: list[dict[str, Matrix]], symbol: str
) -> tuple[float, float, float]:
    """Mean difference of F1 between runs with the same seeds, and its 95 % interval over records."""
    records = sorted(runs[0])

    def gain(chosen: list[str]) -> float:
        pairs = zip(runs, base, strict=True)
        each = [_f1([a[r] for r in chosen], symbol) - _f1([b[r] for r in chosen], symbol) for a, b in pairs]
        return float(np.mean(each))

    return gain(records), *interval(len(records), lambda drawn: gain([records[i] for i in drawn]))
