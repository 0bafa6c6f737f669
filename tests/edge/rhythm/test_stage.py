"""The stage that names the rhythm: what it holds, and that reset lets go of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ecgedge import Models, Monitor, Rhythm, SampleBlock
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.rhythm.model import RhythmModel


class Scripted(RhythmModel):
    """A model that answers what it was told to, window by window."""

    answers: list[dict[str, float]]

    def probabilities(self, signal: np.ndarray) -> dict[str, float]:
        return self.answers.pop(0)


@pytest.fixture
def scripted() -> Models:
    models = Models.load()
    return replace(models, rhythm=Scripted(models.rhythm.manifest, models.rhythm.backend))


def rhythms(monitor: Monitor, *answers: dict[str, float], first: int = 0) -> list[Rhythm]:
    """Feed as much sinus rhythm as the answers need: a window every 10 s."""
    monitor.models.rhythm.answers = list(answers)
    mv = synthesize([Segment("sinus", 10.0 * len(answers) + 1.0)], fs=130, seed=1).mv
    events = monitor.feed(SampleBlock(mv, 130.0, first)) + monitor.finish()
    assert not monitor.models.rhythm.answers, "every answer was asked for"
    return [e for e in events if isinstance(e, Rhythm)]


SURE_N, HARDLY_A = {"N": 0.9, "A": 0.1, "O": 0.0, "~": 0.0}, {"N": 0.3, "A": 0.7, "O": 0.0, "~": 0.0}


def test_a_label_is_held_across_a_gap(scripted: Models) -> None:
    monitor = Monitor(scripted)
    assert [e.label for e in rhythms(monitor, SURE_N)] == ["N"]
    (found,) = rhythms(monitor, HARDLY_A, first=130 * 60)
    assert (found.label, found.window_label, found.changed) == ("N", "A", False)


def test_reset_lets_go_of_the_label(scripted: Models) -> None:
    monitor = Monitor(scripted)
    rhythms(monitor, SURE_N)
    monitor.reset()
    (found,) = rhythms(monitor, HARDLY_A)
    assert (found.label, found.changed) == ("A", True)


def test_two_conclusive_windows_change_the_label(scripted: Models) -> None:
    found = rhythms(Monitor(scripted), *3 * [SURE_N], HARDLY_A, HARDLY_A)
    told = [(e.label, e.changed) for e in found]
    assert told == [("N", True), ("N", False), ("N", False), ("N", False), ("A", True)]


def test_a_longer_window_knows_better(scripted: Models) -> None:
    """Of 10, 20 and 30 s: what the first ten were called does not hold the label of thirty back."""
    found = rhythms(Monitor(scripted), SURE_N, HARDLY_A, SURE_N, HARDLY_A)
    told = [(e.label, e.changed) for e in found]
    assert told == [("N", True), ("A", True), ("N", True), ("N", False)]
