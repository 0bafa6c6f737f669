"""Prior correction against Bayes' rule by hand, and weights that move odds as resampling would."""

from __future__ import annotations

import numpy as np
import pytest

from ecgedge_export.pretrain.sets import LEADS, Cohort
from ecgedge_export.shift.arms import TAUGHT, TESTED, People, prior_corrected
from ecgedge_export.shift.prior import corrected, log_odds, moved, shares


def posterior(likelihood: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """P(y|x,z) from p(x|y,z) of shape (y, z, x) and p(y|z) of shape (y, z), cell by cell."""
    n_y, n_z, n_x = likelihood.shape
    found = np.zeros_like(likelihood)
    for z in range(n_z):
        for x in range(n_x):
            joint = [likelihood[y, z, x] * prior[y, z] for y in range(n_y)]
            for y in range(n_y):
                found[y, z, x] = joint[y] / sum(joint)
    return found


def test_corrected_is_what_bayes_says_in_the_new_place() -> None:
    rng = np.random.default_rng(1)
    likelihood = rng.dirichlet(np.ones(5), (3, 2))  # three classes, two groups, five traces
    old, new = (rng.dirichlet(np.ones(3), 2).T for _ in range(2))
    was, wanted = posterior(likelihood, old), posterior(likelihood, new)
    for z in range(2):
        for x in range(5):
            got = corrected(was[None, :, z, x], old[:, z], new[:, z])
            assert got[0] == pytest.approx(wanted[:, z, x], rel=1e-12)


def test_the_same_prior_changes_nothing_and_there_and_back_is_home() -> None:
    p = np.array([[0.2, 0.8], [1.0, 0.0]])
    old, new = np.array([0.3, 0.7]), np.array([[0.5, 0.5], [0.9, 0.1]])
    assert corrected(p, old, old) == pytest.approx(p)
    assert corrected(corrected(p, old, new), new, old) == pytest.approx(p)


@pytest.mark.parametrize("bad", [[0.0, 1.0], [-0.1, 1.1], [np.nan, 0.5], [np.inf, 0.5]])
def test_a_prior_of_nothing_is_refused(bad: list[float]) -> None:
    for priors in ((bad, [0.5, 0.5]), ([0.5, 0.5], bad)):
        with pytest.raises(ValueError, match="not above 0"):
            corrected(np.array([[0.5, 0.5]]), *map(np.array, priors))


def test_moved_weights_are_what_resampling_would_give() -> None:
    rng = np.random.default_rng(2)
    sick, old = rng.random(4000) < 0.3, rng.random(4000) < 0.4
    weight = moved(sick, old, 4.0)
    before = sick[old].sum() / (~sick[old]).sum()
    after = weight[old & sick].sum() / weight[old & ~sick].sum()
    assert after == pytest.approx(4 * before)
    assert weight[old].sum() == pytest.approx(old.sum())  # as many old people as before
    assert set(weight[~old]) == {1.0}
    drawn = rng.choice(4000, 200_000, p=weight / weight.sum())
    assert sick[drawn].mean() == pytest.approx(np.average(sick, weights=weight), abs=0.01)


def test_odds_that_cannot_be_moved_are_refused() -> None:
    sick, old = np.array([True, True, False]), np.array([True, True, False])
    for who, group, factor in ((sick, old, 4.0), (sick, ~old & False, 4.0), (sick, sick | True, 0.0)):
        with pytest.raises(ValueError, match="odds"):
            moved(who, group, factor)


def test_shares_are_counted() -> None:
    rng = np.random.default_rng(3)
    sick, group, weight = rng.random(50) < 0.5, rng.integers(0, 3, 50), rng.random(50)
    for g, share in enumerate(shares(sick, group, weight)):
        ill = sum(w for w, s, k in zip(weight, sick, group, strict=True) if s and k == g)
        everybody = sum(w for w, k in zip(weight, group, strict=True) if k == g)
        assert share == pytest.approx((ill + 0.5) / (everybody + 1))


def test_log_odds_of_the_sure_are_finite() -> None:
    assert np.isfinite(log_odds(np.array([0.0, 1.0]))).all()
    assert log_odds(np.array([0.5, 0.9])) == pytest.approx([0, np.log(9)])


def test_an_answer_moves_by_the_odds_of_its_own_group_alone() -> None:
    """Among the old the odds fall sixteenfold, from times 4 to times 1/4; of the young they stay."""
    n = 4000
    rng = np.random.default_rng(6)
    age = rng.uniform(30, 90, n).astype(np.float32)
    statements = tuple({"IMI": 100.0} if sick else {"NORM": 100.0} for sick in rng.random(n) < 0.3)
    names = tuple(map(str, range(n)))
    flat, nobody = np.zeros((n, len(LEADS), 1), np.float32), ("",) * n
    who = People(Cohort(names, names, np.arange(n) % 8 + 1, flat, age, nobody, nobody, statements))
    p = rng.uniform(0.05, 0.95, n)
    odds = np.exp(log_odds(prior_corrected(who, p)) - log_odds(p))
    assert odds[who.old] == pytest.approx(np.full(who.old.sum(), TESTED / TAUGHT), rel=0.02)
    assert odds[~who.old] == pytest.approx(np.ones((~who.old).sum()))
