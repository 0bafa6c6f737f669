"""Recordings to be named: splits, hashed parts of them, and the answers of ``ecgedge.classify``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.harness.not_measured import at_hand
from ecgedge import Models
from ecgedge.whole_recording import Classification, classify
from ecgedge_export import data, splits
from ecgedge_export.data import Record
from ecgedge_export.rhythm.scores import Answers, Recording, collect, mean_f1, mean_f1_interval

CINC2017 = "CinC 2017, validation split val-1. " + splits.SPLITS["cinc2017"].statement


def cinc2017(keep: Callable[[str], bool], limit: int | None = None) -> list[Record]:
    """Records of CinC 2017 whose id is wanted, the first so many of them."""

    def read() -> list[Record]:
        return list(islice((r for r in data.cinc2017() if keep(r.id)), limit))

    return at_hand("cinc2017", read)


def part(percent: int) -> Callable[[str], bool]:
    """Choose about so many of a hundred ids, the same ones whenever and wherever."""
    return lambda record_id: splits.percent(f"bench-1:{record_id}") < percent


def validating(percent: int = 100) -> Callable[[str], bool]:
    """Choose the ids of the validation split, or a part of them."""
    chosen = part(percent)
    return lambda record_id: splits.is_validation(record_id) and chosen(record_id)


def each(records: Iterable[Recording], models: Models) -> Iterator[tuple[Recording, Classification]]:
    """Every record with the answer of ``ecgedge.classify``, through one set of models."""
    return ((r, classify(r.mv, r.fs, models=models)) for r in records)


def answers(records: Iterable[Recording], models: Models) -> Answers:
    """The answer of ``ecgedge.classify`` to every record."""
    return collect(each(records, models))


def named(said: Iterable[str]) -> npt.NDArray[np.bool_]:
    """Which recordings got a rhythm: the gate let some of it through, and the model did not call it noise."""
    return np.array([label != "~" for label in said], np.bool_)


def f1(part: Answers) -> dict[str, Any]:
    """Mean F1 of N, A and O with its interval; None where one of the three does not occur."""
    if not set("NAO") <= set(part.truth):
        return {"records": len(part.ids), "mean_f1_nao": None, "mean_f1_nao_95": None}
    low, high = mean_f1_interval(part.truth, part.predicted)
    return {
        "records": len(part.ids),
        "mean_f1_nao": round(mean_f1(part.truth, part.predicted), 4),
        "mean_f1_nao_95": [round(low, 4), round(high, 4)],
    }
