"""EC57 scores of beat classes, against matrices worked out by hand."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from ecgedge.whole_recording import Beats
from ecgedge_export.beat_classes import scores
from ecgedge_export.data import Episode

NAMES = "NSVFQO"
FS = 360.0
LEARNT = 400_000  # after the first five minutes


@dataclass
class Annotated:
    """What the scores read of a record."""

    beats: Any
    aami: Any
    rhythms: tuple[Episode, ...] = ()
    id: str = "x"
    fs: float = FS
    learning_s: float = 300.0
    n: int = field(default=10**6)


def annotated(places: list[int], symbols: str, rhythms: tuple[Episode, ...] = ()) -> Any:
    return Annotated(np.array(places, np.int64), np.array(list(symbols)), rhythms)


def said(places: list[int], symbols: str) -> Beats:
    return Beats(np.array(places, np.int64), np.array(list(symbols)))


def cell(matrix: Any, is_: str, called: str) -> int:
    return int(matrix[NAMES.index(is_), NAMES.index(called)])


def test_pairs_misses_and_inventions_each_have_their_cell() -> None:
    at = [LEARNT, LEARNT + 360, LEARNT + 720]
    matrix = scores.confusion(annotated(at, "NVS"), said([at[0] + 50, at[1] - 50, at[2] + 60], "NVV"))
    assert matrix.sum() == 4
    assert cell(matrix, "N", "N") == cell(matrix, "V", "V") == 1
    assert cell(matrix, "S", "O") == 1, "60 samples are 167 ms: no match"
    assert cell(matrix, "O", "V") == 1


def test_the_first_five_minutes_and_flutter_do_not_count() -> None:
    flutter = (Episode(LEARNT + 1000, LEARNT + 2000, "VFL"),)
    places = [100, LEARNT, LEARNT + 1500]
    matrix = scores.confusion(annotated(places, "VVV", flutter), said(places, "VVV"))
    assert matrix.sum() == cell(matrix, "V", "V") == 1


def matrix_of(**cells: int) -> Any:
    matrix = np.zeros((6, 6), np.int64)
    for name, count in cells.items():
        matrix[NAMES.index(name[0]), NAMES.index(name[1])] = count
    return matrix


def test_fusion_and_unknown_beats_called_v_are_no_false_v() -> None:
    found = scores.score(matrix_of(VV=8, VN=1, VO=1, NV=2, SV=1, OV=1, FV=50, QV=70, NN=96), "V")
    assert (found.hits, found.missed, found.false) == (8, 2, 4)
    assert found.f1 == pytest.approx(16 / 22)
    assert found.as_percent() == {"Se": 80.0, "P+": 66.67, "FPR": 4.0, "F1": 72.73}


def test_fusion_beats_called_s_are_false_s_but_unknown_ones_are_not() -> None:
    found = scores.score(matrix_of(SS=5, FS=2, QS=9, VS=1), "S")
    assert (found.hits, found.missed, found.false) == (5, 0, 3)


def test_nothing_to_find_and_nothing_said_is_perfect() -> None:
    assert scores.score(matrix_of(NN=10), "S").f1 == 1.0


def test_gross_adds_beats_not_scores() -> None:
    at = [LEARNT, LEARNT + 360]
    one = annotated(at, "VV"), said(at, "VV")
    other = annotated(at[:1], "V"), said(at[:1], "N")
    other[0].id = "y"
    report = scores.report([one, other])
    assert report["gross"]["VEB"]["Se"] == pytest.approx(66.67)
    assert report["by_record"]["y"]["VEB"]["Se"] == 0.0
    assert report["confusion"]["V"] == {"N": 1, "S": 0, "V": 2, "F": 0, "Q": 0, "O": 0}
