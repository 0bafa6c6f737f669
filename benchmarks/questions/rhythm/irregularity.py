"""Atrial fibrillation from the times of the beats alone: what a network has to be better than.

Three features of the RR intervals, a limit on each of two, and a logistic regression of all; limits and
weights are fitted on whatever recordings are given, which has to be a training split.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from ecgedge_export.burden import irregularity as of_windows

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

FEATURES = ("COSEn", "RMSSD / mean RR", "log of mean RR")
FEWEST_RR = 5  # with fewer there is no score, which counts as no AF
# Keeps weights finite where a feature tells the classes apart without error; too small to matter elsewhere.
RIDGE = 1e-3


def cosen(rr_ms: npt.ArrayLike) -> float:
    """Coefficient of sample entropy of RR intervals in ms: high where no interval foretells the next one."""
    return float(of_windows.cosen(np.asarray(rr_ms, np.float64)[None] / 1e3)[0])


def features(beats: npt.ArrayLike, fs: float) -> Array:
    """:data:`FEATURES` of beats at these samples, all nan where there are too few."""
    rr = 1e3 * np.diff(np.asarray(beats, np.float64)) / fs
    if len(rr) < FEWEST_RR:
        return np.full(len(FEATURES), np.nan)
    rmssd = np.sqrt(np.mean(np.diff(rr) ** 2))
    return np.array([cosen(rr), rmssd / rr.mean(), np.log(rr.mean())])


def logistic(x: Array, y: Flags) -> Array:
    """Weights (bias last) with the least log loss and a little ridge."""
    columns = np.column_stack([x, np.ones(len(x))])
    sign = np.where(y, 1.0, -1.0)

    def loss(w: Array) -> tuple[float, Array]:
        margin = sign * (columns @ w)
        pull = -(sign * special.expit(-margin)) @ columns / len(y)
        return float(np.logaddexp(0, -margin).mean() + RIDGE * w @ w / 2), pull + RIDGE * w

    best: Array = optimize.minimize(loss, np.zeros(columns.shape[1]), jac=True, method="BFGS").x
    return best


def best_limit(scores: Array, y: Flags) -> float:
    """The lowest score to call AF with the highest F1; scores that are not numbers are never called so."""
    order = np.argsort(-np.nan_to_num(scores, nan=-np.inf))
    hits, called = np.cumsum(y[order]), np.arange(1, len(y) + 1)
    f1 = np.where(np.isfinite(scores[order]), 2 * hits / (called + y.sum()), 0.0)
    return float(scores[order][np.argmax(f1)])


@dataclass(frozen=True)
class Detector:
    """A score of features and the lowest one that is called AF."""

    score: Callable[[Array], Array]
    limit: float

    def __call__(self, x: Array) -> Flags:
        """Whether each row of features is AF; one that cannot be scored is not."""
        return np.nan_to_num(self.score(x), nan=-np.inf) >= self.limit


def fitted(x: Array, y: Flags) -> dict[str, Detector]:
    """The detectors, fitted on features of a training split and whether each is AF."""
    mean, scale = np.nanmean(x, axis=0), np.nanstd(x, axis=0)
    usable = np.isfinite(x).all(axis=1)
    weights = logistic((x[usable] - mean) / scale, y[usable])
    scores: dict[str, Callable[[Array], Array]] = {
        FEATURES[0]: lambda rows: rows[:, 0],
        FEATURES[1]: lambda rows: rows[:, 1],
        "logistic regression of RR": lambda rows: (rows - mean) / scale @ weights[:-1] + weights[-1],
    }
    return {name: Detector(score, best_limit(score(x), y)) for name, score in scores.items()}
