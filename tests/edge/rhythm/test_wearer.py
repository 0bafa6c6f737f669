"""What is known of the wearer: how far it moves the odds of fibrillation, and that nothing else moves."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import ecgedge
from ecgedge import Models, Monitor, Rhythm, SampleBlock, Wearer
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.rhythm.model import RhythmModel
from ecgedge.rhythm.wearer import LEAST_SHARE, corrected

MV = synthesize([Segment("sinus", 35), Segment("af", 35)], fs=130, seed=7).mv


@pytest.fixture(scope="module")
def models() -> Models:
    return Models.load()


def events(models: Models, wearer: Wearer | None) -> list[str]:
    monitor = Monitor(models, wearer=wearer)
    found = monitor.feed(SampleBlock(MV, 130.0)) + monitor.finish()
    return [json.dumps(event.to_json()) for event in found]


@pytest.mark.parametrize("nobody", [Wearer(), Wearer(sex="female"), Wearer(None, "male", None)])
def test_of_whom_too_little_is_known_every_bit_stays(models: Models, nobody: Wearer) -> None:
    assert events(models, nobody) == events(models, None)


def test_the_correction_is_bayes_by_hand(models: Models) -> None:
    """P(AF|x) = L s / (L s + 1 - s), where the likelihood ratio L follows from the model's own share."""
    plain = ecgedge.classify(MV[-30 * 130 :], 130.0, models=models).probabilities
    old, new = models.rhythm.af_share, 0.05
    ratio = plain["A"] / (1 - plain["A"]) * (1 - old) / old
    expected = ratio * new / (ratio * new + 1 - new)
    told = ecgedge.classify(MV[-30 * 130 :], 130.0, models=models, wearer=Wearer(af_share=new)).probabilities
    assert told["A"] == pytest.approx(expected, rel=1e-9)
    assert math.fsum(told.values()) == pytest.approx(1)
    assert told["O"] / told["N"] == pytest.approx(plain["O"] / plain["N"])


def test_only_what_is_said_of_the_rhythm_moves(models: Models) -> None:
    young = [json.loads(e) for e in events(models, Wearer(age=25))]
    plain = [json.loads(e) for e in events(models, None)]
    kinds = [[e for e in found if e["type"] not in ("rhythm", "beat")] for found in (young, plain)]
    assert kinds[0] == kinds[1]
    p = [[e["probabilities"]["A"] for e in found if e["type"] == "rhythm"] for found in (young, plain)]
    assert len(p[0]) == len(p[1]) > 3
    assert all(a < b for a, b in zip(*p, strict=True))


def test_the_older_the_likelier(models: Models) -> None:
    shares = [Wearer(age, "female").expected_af for age in (0, 54.9, 55, 64, 72, 79, 84.9, 85, 120)]
    assert shares == sorted(shares)
    assert shares[0] == LEAST_SHARE
    assert shares[-1] == 0.091
    pairs = [(Wearer(age, "female").expected_af, Wearer(age, "male").expected_af) for age in range(50, 100)]
    assert all(woman <= man for woman, man in pairs)


def test_a_doctor_knows_better_than_a_table() -> None:
    assert Wearer(age=30, sex="male", af_share=0.3).expected_af == 0.3


@pytest.mark.parametrize(
    ("given", "kind", "says"),
    [
        ({"age": -1}, ValueError, "age is -1: give 0 to 120"),
        ({"age": 1e300}, ValueError, "age is 1e\\+300"),
        ({"age": math.nan}, ValueError, "age is nan"),
        ({"age": math.inf}, ValueError, "age is inf"),
        ({"age": "70"}, TypeError, "age is '70': give a number"),
        ({"age": True}, TypeError, "age is True"),
        ({"age": [70]}, TypeError, "age is"),
        ({"sex": "F"}, ValueError, "sex is 'F': give 'female', 'male'"),
        ({"sex": ""}, ValueError, "sex is ''"),
        ({"sex": 1}, ValueError, "sex is 1"),
        ({"sex": ["male"]}, ValueError, "sex is"),
        ({"af_share": 0}, ValueError, "af_share is 0: give 0.01 to 0.99"),
        ({"af_share": 1.0}, ValueError, "af_share is 1"),
        ({"af_share": math.nan}, ValueError, "af_share is nan"),
        ({"name": "Ada"}, TypeError, "unexpected keyword"),
    ],
)
def test_what_nobody_can_be_is_refused(given: dict[str, Any], kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says):
        Wearer(**given)


def test_a_wearer_stays_who_it_is() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Wearer(70).age = 30  # type: ignore[misc]
    assert Wearer(70.0, "male") == Wearer(70, "male")


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, math.nan])
def test_a_share_without_odds_is_refused(share: float) -> None:
    for shares in ((share, 0.5), (0.5, share)):
        with pytest.raises(ValueError, match="between 0 and 1"):
            corrected({"A": 0.5, "N": 0.5}, ["A"], *shares)


def test_without_a_class_for_fibrillation_nothing_moves() -> None:
    assert corrected({"N": 0.7, "O": 0.3}, [], 0.2, 0.01) == {"N": 0.7, "O": 0.3}


def test_a_manifest_may_say_what_its_probabilities_are_true_for(models: Models) -> None:
    own = replace(models.rhythm.manifest, thresholds={**models.rhythm.thresholds, "af_share": 0.05})
    rhythm = RhythmModel(own, models.rhythm.backend)
    assert rhythm.af_share == 0.05
    p = {"N": 0.4, "A": 0.5, "O": 0.1, "~": 0.0}
    assert rhythm.for_wearer(p, Wearer(af_share=0.05)) == pytest.approx(p)
    assert rhythm.for_wearer(p, None) is p


def test_what_is_no_wearer_is_refused(models: Models) -> None:
    with pytest.raises(TypeError, match=r"ecgedge\.Wearer"):
        Monitor(models, wearer=70)  # type: ignore[arg-type]


def test_however_the_stream_is_cut_a_wearer_hears_the_same(models: Models) -> None:
    monitor = Monitor(models, wearer=Wearer(81, "male"))
    cut = [e for x in np.array_split(MV, 37) for e in monitor.feed(SampleBlock(x, 130.0))] + monitor.finish()
    assert [json.dumps(e.to_json()) for e in cut] == events(models, Wearer(81, "male"))
    assert any(isinstance(e, Rhythm) for e in cut)
