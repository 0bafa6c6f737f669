"""Noise across data sets, in the form of its publication: each left out in turn, the others teach.

"HRV-based noise detection" (arXiv 2502.14522) finds noise by the intervals between beats alone, in windows
of 20 s, and tests across four sets. Here stand intervals alone beside the features of the shipped gate, each
by a logistic regression and by a forest. AF and ectopic beats are clean, in training and in tests: the price
of taking irregularity for noise is shown beside what is found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.gate.features import NAMES
from ecgedge_export import forest, logistic
from ecgedge_export.gate.four_sets import SETS
from ecgedge_export.gate.hrv import LEAST_RR
from ecgedge_export.gate.sets import Windows
from ecgedge_export.rhythm.scores import DRAWS, Gain

Array = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

REFUSED = 0.05  # of clean sinus rhythm, where the rest is compared
RIDGE = 3e-4
CLIP = 4.0
SHAPE = forest.Shape(trees=50, depth=8, least=5e-4)

Score = Callable[[Array], Array]  # rows of features to the probability of noise


class Arm(NamedTuple):
    """A way to find noise: whether it sees intervals alone, and what it fits."""

    hrv: bool
    forest: bool


ARMS: Mapping[str, Arm] = {
    "intervals, logistic": Arm(True, False),
    "intervals, forest": Arm(True, True),
    "gate's features, logistic": Arm(False, False),
    "gate's features, forest": Arm(False, True),
}


def left_out(every: Windows, name: str, arm: Arm) -> Array:
    """Probability of noise of a set's windows (clean and noisy ones in a row), by what the others taught."""
    taught = [other for other in SETS if other != name]
    groups = every.group
    noise = np.isin(groups, [g for other in taught for g in SETS[other].noise])
    clean = np.isin(groups, [g for other in taught for g in SETS[other].clean])
    weights = np.zeros(len(groups))
    for other in taught:
        for side in (SETS[other].clean, SETS[other].noise):
            here = np.isin(groups, side)
            weights[here] = 0.5 / len(taught) / max(1, here.sum())
    learn = (noise | clean) & _seen(every, arm)
    test = of_set(every, name)
    x = _features(every.features, arm)
    score = _fit(x[learn], noise[learn], weights[learn], arm)
    found = np.ones(int(test.sum()))
    seen = _seen(every, arm)[test]
    found[seen] = score(x[test][seen])
    return found


def of_set(every: Windows, name: str) -> Bools:
    """Windows of a set that a test asks about."""
    return np.isin(every.group, [*SETS[name].clean, *SETS[name].noise])


def _features(x: Array, arm: Arm) -> Array:
    return x[:, len(NAMES) :] if arm.hrv else x[:, : len(NAMES)]


def _seen(every: Windows, arm: Arm) -> Bools:
    """Windows that a model is asked about; with fewer than four intervals HRV refuses at once."""
    enough: Bools = every.features[:, len(NAMES)] >= LEAST_RR
    return enough if arm.hrv else np.ones(len(enough), np.bool_)


def _fit(x: Array, noise: Bools, weights: Array, arm: Arm) -> Score:
    if arm.forest:
        return forest.fit(x, noise, weights, SHAPE).probability
    mean, scale = x.mean(axis=0), x.std(axis=0) + 1e-9

    def z(rows: Array) -> Array:
        out: Array = np.clip((rows - mean) / scale, -CLIP, CLIP)
        return out

    line = logistic.fit(z(x), noise, weights / weights.sum(), RIDGE)
    return lambda rows: 1 / (1 + np.exp(-line.log_odds(z(rows))))


MEASURES = ("AUROC", "AUPRC", "accuracy", "noise refused", "AF refused", "PVC refused")
"""Areas and accuracy with both sides weighing the same; then shares where 5 % of sinus rhythm is refused."""


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A set's windows as a test asks about them, with an arm's score of each.

    ``noise``, ``sinus``, ``af``, ``pvc`` (n,) say what each is; ``who`` (n,) numbers the recordings.
    """

    score: Array
    noise: Bools
    sinus: Bools
    af: Bools
    pvc: Bools
    who: npt.NDArray[np.int64]

    def measures(self, weights: Array) -> Array:
        """:data:`MEASURES` with a weight of each window, NaN where there is nothing to measure."""
        order = np.argsort(-self.score, kind="stable")
        last = np.append(np.diff(self.score[order]) != 0, True)  # equal scores are one step
        hits, alarms = (
            np.append(0.0, np.cumsum((weights * side)[order])[last] / max((weights * side).sum(), 1e-300))
            for side in (self.noise, ~self.noise)
        )
        precision = hits[1:] / np.maximum(hits[1:] + alarms[1:], 1e-300)
        called = self.score > 0.5
        right = _share(called, weights * self.noise), _share(~called, weights * ~self.noise)
        beyond = self.score > self._threshold(weights)
        return np.array([
            np.sum(np.diff(alarms) * (hits[1:] + hits[:-1]) / 2),
            np.sum(np.diff(hits) * precision),
            (right[0] + right[1]) / 2,
            *(_share(beyond, weights * side) for side in (self.noise, self.af, self.pvc)),
        ])  # fmt: skip

    def _threshold(self, weights: Array) -> float:
        """The lowest score beyond which no more than 5 % of sinus rhythm lies."""
        score, w = self.score[self.sinus], weights[self.sinus]
        order = np.argsort(score)
        share = np.cumsum(w[order]) / max(w.sum(), 1e-300)
        place = int(np.searchsorted(share, 1 - REFUSED))
        return float(score[order][min(place, len(score) - 1)])


def _share(of: Bools, weights: Array) -> float:
    whole = weights.sum()
    return float((weights * of).sum() / whole) if whole else float("nan")


def judged(every: Windows, name: str, score: Array) -> Judged:
    """What an arm said of a set that it did not see."""
    part = every.group[of_set(every, name)]
    side = SETS[name]
    _, who = np.unique(every.record[of_set(every, name)], return_inverse=True)
    noise, sinus, af, pvc = (np.isin(part, g) for g in (side.noise, side.sinus, side.af, side.pvc))
    return Judged(score, noise, sinus, af, pvc, who.astype(np.int64))


class Figures(NamedTuple):
    """:data:`MEASURES` and the ends of their 95 % intervals, each of shape (6,)."""

    value: Array
    low: Array
    high: Array


def figures(of: Judged) -> Figures:
    """Measures of a set with intervals by bootstrap over recordings."""
    draws = np.array([of.measures(w) for w in _draws(of.who)])
    value = of.measures(np.ones(len(of.who)))
    ends = np.full((2, len(MEASURES)), np.nan)
    for k in np.flatnonzero(np.isfinite(value)):
        ends[:, k] = np.nanquantile(draws[:, k], [0.025, 0.975])
    return Figures(value, *ends)


def auroc_gain(ours: Judged, theirs: Judged) -> Gain:
    """How much larger the area of one arm is than another's, the same recordings drawn for both."""
    even = np.ones(len(ours.who))
    differences = [ours.measures(w)[0] - theirs.measures(w)[0] for w in _draws(ours.who)]
    low, high = np.nanquantile(differences, [0.025, 0.975])
    return Gain(float(ours.measures(even)[0] - theirs.measures(even)[0]), float(low), float(high))


def _draws(who: npt.NDArray[np.int64]) -> list[Array]:
    """Weights of windows for each draw of recordings."""
    rng, n = np.random.default_rng(0), int(who.max()) + 1
    return [rng.multinomial(n, np.full(n, 1 / n)).astype(np.float64)[who] for _ in range(DRAWS)]
