"""Log loss and AUROC where records have weights; intervals by patient, paired, or over seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ecgedge_export.pretrain import scores
from ecgedge_export.rhythm.scores import DRAWS, Gain

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Draws = npt.NDArray[np.float32]
"""How often each record counts in each draw, see :func:`ecgedge_export.pretrain.scores.draws`."""


def log_loss(p: Floats, sick: Bools) -> Floats:
    """Log loss of each record, from its probability of being sick, held within 1e-7.

    Examples
    --------
    >>> log_loss(np.array([0.5, 0.9]), np.array([True, True])).round(3).tolist()
    [0.693, 0.105]
    """
    held = np.clip(p, 1e-7, 1 - 1e-7)
    loss: Floats = -np.where(sick, np.log(held), np.log1p(-held))
    return loss


def mean(values: Floats, drawn: Draws, weight: Floats | None = None) -> Gain:
    """Weighted mean of values (n,) and its interval; paired where the values are differences."""
    w = drawn if weight is None else drawn * weight
    means = (w @ values) / w.sum(axis=1)
    return gain(means)


def auroc(p: Floats, sick: Bools, drawn: Draws | None = None, weight: Floats | None = None) -> Draws:
    """Area under the ROC curve in each draw; of the records as they are where none is given.

    Examples
    --------
    >>> auroc(np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, True, False, True])).tolist()
    [0.875]
    """
    counts = np.ones((1, len(p)), np.float32) if drawn is None else drawn
    weighed = counts if weight is None else (counts * weight).astype(np.float32)
    # float32 may tie what float64 tells apart: ranks tie nothing, and are as exact.
    _, ranks = np.unique(p, return_inverse=True)
    return scores.auroc(ranks.astype(np.float32), sick.astype(np.float32), weighed)


def over_seeds(values: Sequence[float], seed: int = 0) -> Gain:
    """Mean over seeds and its 95 % interval: bootstrap over the seeds.

    Examples
    --------
    >>> over_seeds([1.0, 1.0, 1.0])
    Gain(gain=1.0, low=1.0, high=1.0)
    """
    x = np.array(values)
    drawn = np.random.default_rng(seed).integers(0, len(x), (DRAWS, len(x)))
    return gain(np.concatenate([[x.mean()], x[drawn].mean(axis=1)]))


def gain(draws: npt.NDArray[np.floating]) -> Gain:
    """Value and 95 % interval of draws, of which the first one is that of the records as they are."""
    low, high = np.nanquantile(draws[1:], (0.025, 0.975))
    return Gain(float(draws[0]), float(low), float(high))
