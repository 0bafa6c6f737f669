"""Fast beats like a clock are no fibrillation; irregular and slow ones are the model's to tell."""

from __future__ import annotations

import numpy as np
import pytest

import ecgedge
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.rhythm.regularity import is_clockwork, without_fibrillation

ROLES = {"N": "normal", "A": "af", "O": "other", "~": "noise"}


@pytest.mark.parametrize("bpm", range(140, 200, 5))
@pytest.mark.parametrize("seconds", [15.0, 60.0])
def test_no_regular_tachycardia_is_called_fibrillation(bpm: int, seconds: float) -> None:
    found = ecgedge.classify(synthesize([Segment("sinus", seconds, float(bpm))], 130.0, seed=bpm).mv, 130.0)
    assert found.af is not True
    assert found.label != "A"


@pytest.mark.parametrize("bpm", [110.0, 130.0, 150.0])
def test_fast_fibrillation_is_still_told(bpm: float) -> None:
    found = ecgedge.classify(synthesize([Segment("af", 60.0, bpm)], 130.0, seed=3).mv, 130.0)
    assert (found.label, found.af) == ("A", True)


@pytest.mark.parametrize(
    ("rr_s", "expected"),
    [
        (np.full(20, 0.4), True),
        (np.full(9, 0.4), False),  # too few
        (np.full(20, 0.61), False),  # slow: a pacemaker in fibrillation
        (np.tile([0.4, 0.45], 10), False),  # alternans
        (np.r_[np.full(19, 0.4), 1.1], True),  # one pause
    ],
)
def test_what_comes_like_a_clock(rr_s: np.ndarray, expected: bool) -> None:
    assert is_clockwork(np.cumsum(np.r_[0.0, rr_s]).tolist()) is expected


def test_probabilities_stay_probabilities() -> None:
    p = {"N": 0.1, "A": 0.6, "O": 0.2, "~": 0.1}
    moved = without_fibrillation(p, ROLES)
    assert moved == {"N": 0.1, "A": 0.0, "O": pytest.approx(0.8), "~": 0.1}
    assert without_fibrillation({"N": 0.4, "A": 0.6}, {"N": "normal", "A": "af"}) == {"N": 0.4, "A": 0.6}
