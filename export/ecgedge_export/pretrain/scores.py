"""Areas under ROC curves and what an arm gains over its twin: bootstrap by patient, paired, over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge_export.rhythm.scores import DRAWS, Gain, Interval

Floats = npt.NDArray[np.float32]
SPECIFICITY = 0.9


class Area(NamedTuple):
    """Mean of the seeds, and its 95 % interval over patients."""

    mean: float
    low: float
    high: float


def auroc(scores: Floats, truth: Floats, weights: Floats) -> Floats:
    """Area under the ROC curve of weighted examples, a tie counted as half: NaN without both classes.

    Parameters
    ----------
    scores, truth : float32 arrays of shape (n,)
        ``truth`` is 0 or 1.
    weights : float32 array of shape (draws, n)
        How often each example counts in each draw.

    Returns
    -------
    ndarray of shape (draws,)

    Examples
    --------
    >>> scores, truth = np.array([1.0, 2.0, 2.0, 3.0]), np.array([0, 1, 0, 1])
    >>> auroc(scores, truth, np.ones((1, 4))).tolist()
    [0.875]
    """
    order = np.argsort(scores, kind="stable")
    ranked = scores[order]
    first_of_tie = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    positive = np.add.reduceat(weights[:, order] * truth[order], first_of_tie, axis=1)
    negative = np.add.reduceat(weights[:, order] * (1 - truth[order]), first_of_tie, axis=1)
    below = np.cumsum(negative, axis=1) - negative / 2
    pairs = positive.sum(1) * negative.sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        area: Floats = np.where(pairs > 0, (positive * below).sum(1) / pairs, np.nan)
    return area


def macro_auroc(scores: Floats, truth: Floats, weights: Floats) -> Floats:
    """Mean area of the classes (columns) that a draw has: (draws,)."""
    return _mean([auroc(scores[:, k], truth[:, k], weights) for k in range(truth.shape[1])])


def macro_recall(scores: Floats, truth: Floats, weights: Floats) -> Floats:
    """Mean over the classes of the share of positives above the 90th percentile of the negatives: (draws,).

    The percentile is that of the recordings as they are.
    """
    recalls = []
    for said, true in zip(scores.T, truth.T, strict=True):
        found = true * (said > np.quantile(said[true == 0], SPECIFICITY))
        with np.errstate(invalid="ignore"):  # 0 / 0: a draw without positives
            recalls.append((weights @ found) / (weights @ true))
    return _mean(recalls)


def _mean(by_class: Sequence[Floats]) -> Floats:
    """Mean of the classes that a draw has, NaN where it has none."""
    values = np.stack(by_class)
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        mean: Floats = np.where(known, values, 0).sum(0) / known.sum(0)
    return mean


def draws(patients: Sequence[str], n: int = DRAWS, seed: int = 0) -> Floats:
    """How often each recording is drawn when patients are, with replacement: (1 + n, recordings).

    The first row is 1 everywhere: the recordings as they are.
    """
    _, of = np.unique(patients, return_inverse=True)
    people = int(of.max()) + 1
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(people, np.full(people, 1 / people), size=n)[:, of]
    return np.concatenate([np.ones((1, len(of))), counts]).astype(np.float32)


def area(by_seed: Sequence[Floats]) -> Area:
    """Mean of several seeds' areas of the same draws (as :func:`macro_auroc` gives them), with interval."""
    return Area(*_with_interval(np.mean(by_seed, axis=0)))


def gain(ours: Sequence[Floats], theirs: Sequence[Floats]) -> Gain:
    """How much higher the mean of our seeds is than that of theirs, draw by draw, with interval."""
    return Gain(*_with_interval(np.mean(ours, axis=0) - np.mean(theirs, axis=0)))


def _with_interval(values: Floats) -> tuple[float, float, float]:
    low, high = np.nanquantile(values[1:], [0.025, 0.975])
    return float(values[0]), *Interval(float(low), float(high))
