"""How well beats are named: MIT-BIH by ANSI/AAMI EC57, through ``ecgedge.classify_beats``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ecgedge.whole_recording import Beats
from ecgedge_export import data
from ecgedge_export.beats.scores import counted, pairs
from ecgedge_export.data import Record
from ecgedge_export.rhythm.scores import interval

# AAMI's classes, and what each means to the runtime (:data:`ecgedge.artefacts.manifest.ROLES`).
ROLES = {"N": "normal", "S": "supraventricular", "V": "ventricular", "F": "fusion", "Q": "unknown"}
CLASSES = "".join(ROLES)
ECTOPIC = {"VEB": "V", "SVEB": "S"}
NONE = "O"  # no beat: one that was missed, or made up
TOLERANCE_S = 0.15  # EC57's
MOST_SVEB = "232"  # of DS2; 1,167 of its 1,608 SVEBs after the learning time
# What counts neither for nor against a class: a fusion beat is half a V, and Q may be anything
NEUTRAL = {"V": "FQ", "S": "Q"}
Classify = Callable[[npt.NDArray[np.float32], float], Beats]
Matrix = npt.NDArray[np.int64]


def confusion(record: Record, beats: Beats) -> Matrix:
    """Beats of a record by what they are (rows) and what they were called (columns): N S V F Q O, (6, 6).

    Matches lie within 150 ms; the first five minutes and ventricular flutter do not count.
    """
    names = CLASSES + NONE
    matrix = np.zeros((len(names), len(names)), np.int64)
    truth = record.aami.tolist()
    matched = pairs(record.beats, beats.sample, TOLERANCE_S * record.fs, nearest=True)
    real, named = counted(record, record.beats), counted(record, beats.sample)
    rows = [(truth[i], str(beats.symbol[j])) for i, j in matched if real[i]]
    missed = set(np.flatnonzero(real).tolist()) - {i for i, _ in matched}
    made_up = set(np.flatnonzero(named).tolist()) - {j for _, j in matched}
    rows += [(truth[i], NONE) for i in missed] + [(NONE, str(beats.symbol[j])) for j in made_up]
    for is_, called in rows:
        matrix[names.index(is_), names.index(called)] += 1
    return matrix


@dataclass(frozen=True, slots=True)
class Score:
    """Of one class: beats of it that were called so, missed, and others that were wrongly called so.

    ``others`` are all that could have been called so wrongly: those that were, and those that were called
    something else, made-up ones included.
    """

    hits: int
    missed: int
    false: int
    others: int

    @property
    def f1(self) -> float:
        """2 hits / (true ones + called ones); 1 where there are neither."""
        whole = 2 * self.hits + self.missed + self.false
        return 2 * self.hits / whole if whole else 1.0

    def ratios(self) -> dict[str, tuple[int, int]]:
        """Sensitivity, positive predictivity and false positive rate, each as (count, of how many)."""
        return {
            "Se": (self.hits, self.hits + self.missed),
            "P+": (self.hits, self.hits + self.false),
            "FPR": (self.false, self.others),
        }

    def as_percent(self) -> dict[str, float]:
        """Sensitivity, positive predictivity, false positive rate and F1, in %."""
        shares = {name: round(100 * a / b, 2) if b else 0.0 for name, (a, b) in self.ratios().items()}
        return {**shares, "F1": round(100 * self.f1, 2)}


def score(matrix: Matrix, symbol: str) -> Score:
    """Score of ``V`` (VEB) or ``S`` (SVEB) from a confusion matrix."""
    names = CLASSES + NONE
    k = names.index(symbol)
    against = [i for i, name in enumerate(names) if i != k and name not in NEUTRAL[symbol]]
    false = int(matrix[against, k].sum())
    spared = np.delete(np.delete(matrix, k, axis=0), [k, names.index(NONE)], axis=1)
    return Score(
        hits=int(matrix[k, k]),
        missed=int(matrix[k].sum() - matrix[k, k]),
        false=false,
        others=false + int(spared.sum()),
    )


def report(named: Iterable[tuple[Record, Beats]]) -> dict[str, Any]:
    """VEB and SVEB gross and by record, and the confusion matrix, of records with the named beats of each.

    ``f1_95`` are 95 % intervals of the gross F1 in %, by bootstrap over records. One record of DS2 holds
    three of four of its SVEBs: where it is among others, the gross figures come without it too.
    """
    by_record = {record.id: confusion(record, beats) for record, beats in named}
    gross = np.sum(list(by_record.values()), axis=0)
    others = [matrix for name, matrix in by_record.items() if name != MOST_SVEB]
    is_apart = 0 < len(others) < len(by_record)
    apart = {f"without_{MOST_SVEB}": _figures(np.sum(others, axis=0))} if is_apart else {}
    return {
        "records": len(by_record),
        "gross": _figures(gross),
        "f1_95": {name: _f1_interval(list(by_record.values()), c) for name, c in ECTOPIC.items()},
        **apart,
        "confusion": as_table(gross),
        "by_record": {name: _figures(matrix) for name, matrix in by_record.items()},
    }


def _f1_interval(matrices: Sequence[Matrix], symbol: str) -> list[float]:
    every = np.array(matrices)
    found = interval(len(every), lambda drawn: score(every[drawn].sum(axis=0), symbol).f1)
    return [round(100 * found.low, 2), round(100 * found.high, 2)]


def as_table(matrix: Matrix) -> dict[str, dict[str, int]]:
    """Write a confusion matrix as rows of named cells: what beats are, then what they were called."""
    names = CLASSES + NONE
    return {
        name: dict(zip(names, row.tolist(), strict=True)) for name, row in zip(names, matrix, strict=True)
    }


def _figures(matrix: Matrix) -> dict[str, dict[str, float]]:
    return {
        name: {"beats": int(matrix[CLASSES.index(c)].sum()), **score(matrix, c).as_percent()}
        for name, c in ECTOPIC.items()
    }


def classify_records(classify: Classify, record_ids: Sequence[str]) -> Iterable[tuple[Record, Beats]]:
    """Name the beats of MIT-BIH records, first channel."""
    return ((record, classify(record.mv, record.fs)) for record in data.mitdb(record_ids))
