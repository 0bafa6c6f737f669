"""The head on the rhythm model's logits, and the correction that ships, on people whose odds are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import special

from ecgedge import Wearer
from ecgedge.rhythm.model import RhythmModel
from ecgedge_bridge.errors import ConfigError
from ecgedge_export import data
from ecgedge_export.shift.rhythm_head import Asked, as_population, asked, by_prior, chosen_ridge, fit
from ecgedge_export.shift.scores import log_loss


def people(n: int = 6000, by_age: float = 0.0) -> Asked:
    """Log odds that lack an offset of -1, and ``by_age`` for a century more of age."""
    rng = np.random.default_rng(4)
    age, odds = rng.uniform(20, 95, n), rng.normal(-1, 2, n)
    sick = rng.random(n) < special.expit(odds - 1 + by_age * (age - 60) / 90)
    sex = tuple(rng.choice(["F", "M", ""], n))
    return Asked(tuple(map(str, range(n))), np.arange(n) % 9 + 1, age, sex, odds, sick)


def test_a_bias_alone_finds_the_offset() -> None:
    head = fit(people(), 0.0, 1, with_z=False)
    assert head.bias == pytest.approx(-1, abs=0.1)
    assert head.weight.tolist() == [0, 0, 0, 0]


def test_where_age_tells_something_the_head_finds_it_and_else_gains_nothing() -> None:
    for by_age, helps in ((8.0, True), (0.0, False)):
        who = people(by_age=by_age)
        learn, rest = who.of(range(1, 7)), who.of((7, 8, 9))
        head, twin = (fit(learn, 1.0, 1, with_z=z) for z in (True, False))
        gain = (log_loss(twin(rest), rest.sick) - log_loss(head(rest), rest.sick)).mean()
        assert (gain > 0.01) == helps
        assert gain > -0.002


def test_of_whom_nothing_is_known_the_head_knows_its_bias_alone() -> None:
    who = people(500, by_age=8.0)
    head = fit(who, 1.0, 2)
    assert head(who, known=False) == pytest.approx(special.expit(who.odds + head.bias))
    assert chosen_ridge(who, 1) == chosen_ridge(who, 1)


def test_the_correction_is_the_runtimes_own() -> None:
    model, who = RhythmModel.load(None, "onnx"), people(40)
    told = by_prior(who, model)
    for p, odds, age, sex in zip(told, who.odds, who.age, who.sex, strict=True):
        share = Wearer(float(age), {"F": "female", "M": "male"}.get(sex)).expected_af  # type: ignore[arg-type]
        moved = odds + special.logit(share) - special.logit(model.af_share)
        assert p == pytest.approx(special.expit(moved))
    assert by_prior(who, model, model.af_share) == pytest.approx(special.expit(who.odds))


def test_weights_make_fibrillation_as_common_as_the_table_says() -> None:
    who = people(8000)
    weight = as_population(who)
    for decade in range(2, 9):
        inside = who.age // 10 == decade
        share = np.average(who.sick[inside], weights=weight[inside])
        sexes = [one or "M" for one in np.array(who.sex)[inside]]  # who is neither counts as a man
        expected = [
            Wearer(float(a), "female" if s == "F" else "male").expected_af
            for a, s in zip(who.age[inside], sexes, strict=True)
        ]
        assert share == pytest.approx(np.mean(expected), rel=1e-6)  # type: ignore[arg-type]
        assert weight[inside].mean() == pytest.approx(1)


def test_what_the_model_says_of_real_people_is_kept(tmp_path: Path) -> None:
    try:
        data.dataset("ptb-xl").folder()
    except ConfigError as missing:
        pytest.skip(str(missing))
    model = RhythmModel.load(None, "onnx")
    first = asked(model, tmp_path, 60)
    (kept,) = tmp_path.glob("rhythm-*.npz")
    stamp = kept.stat().st_mtime_ns
    again = asked(model, tmp_path, 60)
    assert kept.stat().st_mtime_ns == stamp
    assert np.array_equal(first.odds, again.odds)
    assert first.odds[first.sick].mean() > first.odds[~first.sick].mean() + 2
