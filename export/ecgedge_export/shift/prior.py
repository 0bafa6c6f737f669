"""Prior correction: the same traces mean something else where the disease is rarer.

p_new(y|x,z) is proportional to p_old(y|x,z) * p_new(y|z) / p_old(y|z), as long as p(x|y,z) stays what it was
(Saerens et al., Neural Computation 14(1), 2002; with covariates arXiv 2410.19575). It needs p_new(y|z): how
common the disease is among such people in the new place. The runtime's own is
:func:`ecgedge.rhythm.wearer.corrected`, for one share of fibrillation.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
# A group without a sick (or a healthy) one says that the disease is rare (common) there, not impossible:
# Jeffreys' half of a person.
_HALF = 0.5


def corrected(p: Floats, old: Floats, new: Floats) -> Floats:
    """Probabilities under other priors.

    Parameters
    ----------
    p : float array of shape (n, classes)
        Under ``old``; rows add up to 1.
    old, new : float array of shape (n, classes) or (classes,)
        p(y|z) of each row, above 0.

    Raises
    ------
    ValueError
        A prior is not above 0, or not finite.

    Examples
    --------
    >>> corrected(np.array([[0.5, 0.5]]), np.array([0.5, 0.5]), np.array([0.9, 0.1])).round(3)
    array([[0.9, 0.1]])
    """
    if not all(np.isfinite(prior).all() and (prior > 0).all() for prior in (old, new)):
        raise ValueError("a prior is not above 0: smooth the counts that it was made of")
    odds = p * (new / old)
    rescaled: Floats = odds / odds.sum(axis=-1, keepdims=True)
    return rescaled


def log_odds(p: Floats) -> Floats:
    """Logit of probabilities, those of 0 and 1 held within 1e-9."""
    held = np.clip(p, 1e-9, 1 - 1e-9)
    odds: Floats = np.log(held) - np.log1p(-held)
    return odds


def shares(sick: Bools, group: npt.NDArray[np.int64], weight: Floats | None = None) -> Floats:
    """p(sick | group) of each group 0, 1, ..., from weighted counts and half a person more on both sides.

    Parameters
    ----------
    sick : bool array of shape (n,)
    group : int64 array of shape (n,)
    weight : float array of shape (n,), optional
        Of each record, mean 1; all the same where it is left out.

    Examples
    --------
    >>> shares(np.array([True, False, True, True]), np.array([0, 0, 1, 1])).round(3)
    array([0.5  , 0.833])
    """
    w = np.ones(len(sick)) if weight is None else weight
    n = int(group.max()) + 1
    ill, everybody = np.bincount(group, w * sick, n), np.bincount(group, w, n)
    share: Floats = (ill + _HALF) / (everybody + 2 * _HALF)
    return share


def moved(sick: Bools, group: npt.NDArray[np.bool_], factor: float) -> Floats:
    """Weights that multiply the odds of being sick within a group, and leave the group's size as it is.

    They stand for resampling without throwing anybody away: a weighted mean is what the mean over endless
    draws would be.

    Parameters
    ----------
    sick, group : bool array of shape (n,)
    factor : float
        Of the odds, above 0.

    Raises
    ------
    ValueError
        The group lacks sick or healthy ones, or the factor is not above 0.

    Examples
    --------
    >>> sick, old = np.array([True, False, True, False]), np.array([True, True, False, False])
    >>> w = moved(sick, old, 4.0)
    >>> w.round(2), float((w[0] / w[1]).round(2))
    (array([1.6, 0.4, 1. , 1. ]), 4.0)
    """
    if not factor > 0:
        raise ValueError(f"odds times {factor:g} mean nothing: give a factor above 0")
    share = sick[group].mean() if group.any() else 0.0
    if not 0 < share < 1:
        raise ValueError("the group has no sick or no healthy ones: its odds cannot be moved")
    goal = factor * share / (1 - share + factor * share)
    within = np.where(sick, goal / share, (1 - goal) / (1 - share))
    weight: Floats = np.where(group, within, 1.0)
    return weight
