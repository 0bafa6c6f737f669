"""Calibrated probabilities and a label that does not flicker."""

import numpy as np
import pytest

from ecgedge.rhythm.decision import Hysteresis, probabilities


def test_softmax_with_temperature():
    logits = np.log([0.1, 0.2, 0.7])
    np.testing.assert_allclose(probabilities(logits, 1.0), [0.1, 0.2, 0.7])
    assert probabilities(logits, 5.0).max() < 0.5
    assert np.isfinite(probabilities(np.array([1e4, -1e4]), 1.0)).all()


def say(h, label, p):
    return h.update({label: p, "rest": 1 - p} if p > 0.5 else {label: p, "r1": p / 2, "r2": p / 2})


@pytest.mark.parametrize(
    ("windows", "held"),
    [
        ([("N", 0.9), ("A", 0.7)], "N"),  # once is not enough
        ([("N", 0.9), ("A", 0.7), ("A", 0.7)], "A"),  # twice is
        ([("N", 0.9), ("A", 0.95)], "A"),  # sure is
        ([("N", 0.9), ("A", 0.7), ("N", 0.7), ("A", 0.7)], "N"),  # not in a row
        ([("N", 0.9), ("A", 0.7), ("O", 0.7), ("A", 0.7)], "N"),  # two rivals
        ([("N", 0.9), ("A", 0.4), ("A", 0.4), ("A", 0.4)], "N"),  # inconclusive windows say nothing
    ],
)
def test_what_changes_the_label(windows, held):
    h = Hysteresis()
    for label, p in windows:
        last = say(h, label, p)
    assert last[0] == held


def test_a_longer_stretch_names_it_anew_even_where_it_is_not_sure():
    h = Hysteresis()
    assert h.update({"N": 0.95, "A": 0.05}, 10.0) == ("N", True, True)
    assert h.update({"N": 0.3, "A": 0.4, "O": 0.3}, 20.0) == ("A", False, True)
    assert h.update({"N": 0.3, "A": 0.4, "O": 0.3}, 30.0) == ("A", False, False)
    assert h.update({"N": 0.7, "A": 0.3}, 30.4) == ("A", True, False)  # as long as the one before
    assert h.update({"N": 0.7, "A": 0.3}, 10.0) == ("N", True, True)  # twice in a row


def test_a_change_is_told_once_and_a_reset_forgets():
    h = Hysteresis()
    assert say(h, "N", 0.9) == ("N", True, True)
    assert say(h, "A", 0.9) == ("A", True, True)
    assert say(h, "A", 0.9) == ("A", True, False)
    assert say(h, "A", 0.4) == ("A", False, False)
    h.reset()
    assert say(h, "N", 0.9) == ("N", True, True)
