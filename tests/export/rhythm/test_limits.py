"""Limits of AF or not for short stretches."""

from __future__ import annotations

import numpy as np

from ecgedge_export.rhythm import limits


def people(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    p = np.concatenate([rng.beta(6, 2, 100), rng.beta(1, 9, 900)])
    return p, np.arange(1000) < 100


def test_what_is_asked_of_verdicts_holds() -> None:
    for seed in range(3):
        p, is_af = people(seed)
        found = limits.choose(p, is_af)
        assert found is not None
        yes, no = p >= found.present, p <= found.absent
        assert (yes & is_af).sum() >= 0.95 * ((yes | no) & is_af).sum()
        assert (no & ~is_af).sum() >= 0.98 * ((yes | no) & ~is_af).sum()


def test_no_other_limits_give_more_people_with_af_a_verdict() -> None:
    p, is_af = people(5)
    found = limits.choose(p, is_af)
    told = ((p >= found.present) | (p <= found.absent))[is_af].sum()
    for present in np.arange(0.05, 0.95, 0.01):
        for absent in np.arange(0.02, present, 0.01):
            yes, no = p >= present, p <= absent
            of_af, of_others = (yes | no) & is_af, (yes | no) & ~is_af
            kept = (yes & is_af).sum() >= 0.95 * of_af.sum()
            if kept and (no & ~is_af).sum() >= 0.98 * of_others.sum():
                assert of_af.sum() <= told


def test_too_noisy_is_no_verdict() -> None:
    p, is_af = people(1)
    with_noise = np.append(p, [np.nan, np.nan]), np.append(is_af, [True, False])
    assert limits.choose(*with_noise) == limits.choose(p, is_af)


def test_there_may_be_none() -> None:
    assert limits.choose(np.array([0.9, 0.01]), np.array([False, True])) is None


def test_the_share_at_which_probabilities_are_true_is_found_again() -> None:
    """Scores whose true posterior at 20 % is known, seen where 8 % have AF."""
    rng = np.random.default_rng(3)
    is_af = rng.random(40_000) < 0.08
    score = rng.normal(np.where(is_af, 1.0, -1.0), 1.0)
    odds = 2 * score + np.log(0.2 / 0.8)  # log likelihood ratio of the two normals is 2 * score
    p = 1 / (1 + np.exp(-odds))
    assert abs(limits.true_share(p, is_af)["af_share"] - 0.2) < 0.02


def test_without_both_sides_no_share_is_told() -> None:
    for is_af in (np.zeros(5, bool), np.ones(5, bool)):
        assert limits.true_share(np.full(5, 0.3), is_af) == {}


def test_a_share_stays_one_that_a_manifest_takes() -> None:
    is_af = np.arange(1000) < 1
    assert 0.01 <= limits.true_share(np.where(is_af, 1e-12, 1.0), is_af)["af_share"] <= 0.99
    assert 0.01 <= limits.true_share(np.where(is_af, 1.0, 0.0), is_af)["af_share"] <= 0.99
