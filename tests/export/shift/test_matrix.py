"""What a window of a long record shows, and that nobody is on two sides."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecgedge_export.data import Episode, Record
from ecgedge_export.shift.matrix import QUESTIONS, Windows, ectopic, fibrillates


def record(rhythms: tuple[Episode, ...] = (), symbols: str = "") -> Record:
    beats = 100 + 300 * np.arange(len(symbols), dtype=np.int64)
    return Record(
        "mitdb", "1", Path("1"), 360.0, 650_000, ("MLII",), "1",
        rhythms=rhythms, beats=beats, symbols=np.array(list(symbols), "<U1"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rhythms", "says"),
    [
        ([("N", 0, 9000)], False),
        ([("AFIB", 0, 9000)], True),
        ([("N", 0, 2000), ("AFIB", 2000, 9000)], None),  # in part
        ([("AFL", 0, 9000)], None),  # flutter is neither
        ([("AFIB", 0, 1000), ("SBR", 1000, 9000)], False),  # over before it begins
        ([], False),
    ],
)
def test_a_window_fibrillates_throughout_or_not_at_all(
    rhythms: list[tuple[str, int, int]], says: bool | None
) -> None:
    episodes = tuple(Episode(start, end, name) for name, start, end in rhythms)
    assert fibrillates(record(episodes), 1000, 4600) is says


def test_one_ectopic_beat_inside_is_enough() -> None:
    one = record(symbols="NNVNN")  # at 100, 400, 700, ...
    assert ectopic(one, 500, 800)
    assert ectopic(one, 700, 701)
    assert not ectopic(one, 701, 1600)
    assert not ectopic(record(symbols="NLR/Q"), 0, 9000)
    assert all(ectopic(record(symbols=code), 0, 200) for code in "AVFEaJ")


def test_halves_keep_everybody_on_one_side() -> None:
    rng = np.random.default_rng(0)
    of = tuple(str(i) for i in rng.integers(0, 21, 200))
    half = Windows(np.zeros((200, 1, 1), np.float32), of, np.zeros(200, bool)).half
    sides = {name: {int(h) for h, one in zip(half, of, strict=True) if one == name} for name in of}
    assert all(len(side) == 1 for side in sides.values())
    assert abs(sum(min(side) for side in sides.values()) - len(sides) / 2) <= 1


def test_every_question_has_the_same_label_in_several_sets() -> None:
    assert {question: tuple(names) for question, names in QUESTIONS.items()} == {
        "AF or not": ("CinC 2017", "PTB-XL", "MIT-BIH"),
        "ectopic beats or none": ("PTB-XL", "MIT-BIH", "svdb"),
    }
