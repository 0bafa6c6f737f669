"""Limits of AF or not for stretches below 30 s, and the share of AF at which probabilities of it are true.

The limits are those with which as many people with AF as possible get a verdict.

Ten seconds show ten intervals, and a network is less sure of them; with the limits of 30 s it said nothing
about a third of the people with AF. The limits of short stretches are chosen on lead I of PTB-XL, folds 7 and
8, which train nothing: its statements are about the very ten seconds, while those of CinC 2017 are about up
to a minute of which the first ten seconds may show nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from ecgedge.rhythm.model import RhythmModel
from ecgedge_export import data
from ecgedge_export.rhythm.conditions import af_or_not
from ecgedge_export.rhythm.scores import classify_records

CHOOSING_FOLDS = (7, 8)
# What is asked of the verdicts that are given
LEAST_SE, LEAST_SP = 0.95, 0.98
# A share beyond these would come from errors that are too rare to be counted.
LEAST_SHARE, MOST_SHARE = 0.01, 0.99
_GRID = np.round(np.arange(0.02, 0.96, 0.01), 2)


class ShortLimits(NamedTuple):
    """A probability at most ``absent`` means no AF, one of at least ``present`` AF."""

    absent: float
    present: float


def choose(p: npt.NDArray[np.float64], is_af: npt.NDArray[np.bool_]) -> ShortLimits | None:
    """Limits with which most people with AF get a verdict; None where none keep what is asked.

    Of limits that give as many the widest are taken: they are wrong least often.

    Parameters
    ----------
    p : ndarray, shape (n,)
        Probability of AF; NaN where the recording was too noisy for a verdict.
    is_af : ndarray of bool, shape (n,)

    Examples
    --------
    >>> choose(np.array([0.05, 0.1, 0.3, 0.4, 0.9]), np.array([False, False, False, True, True]))
    ShortLimits(absent=0.02, present=0.4)
    """
    best: tuple[int, float, ShortLimits] | None = None
    for absent in _GRID:
        no = p <= absent
        for present in (limit for limit in _GRID if limit > absent):
            yes = p >= present
            told_af, told_others = (yes | no) & is_af, (yes | no) & ~is_af
            right = (yes & is_af).sum() >= LEAST_SE * told_af.sum()
            if right and (no & ~is_af).sum() >= LEAST_SP * told_others.sum():
                row = int(told_af.sum()), float(present - absent), ShortLimits(float(absent), float(present))
                best = max(best or row, row)
    return best[2] if best else None


def true_share(p: npt.NDArray[np.float64], is_af: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Threshold ``af_share`` of a manifest: the share of AF at which probabilities of it are true.

    A loss that weighs rare classes up teaches the odds of a place where they are commoner. The offset of the
    log odds with the least log loss says how much commoner. Empty where one side has no recording.

    Parameters
    ----------
    p : ndarray, shape (n,)
        Probability of AF of recordings that validate.
    is_af : ndarray of bool, shape (n,)

    Examples
    --------
    >>> p, is_af = np.full(1000, 0.5), np.arange(1000) < 100  # says one in two where it is one in ten
    >>> {name: round(share, 3) for name, share in true_share(p, is_af).items()}
    {'af_share': 0.5}
    """
    if is_af.all() or not is_af.any():
        return {}
    odds = special.logit(np.clip(p, 1e-9, 1 - 1e-9))

    def loss(offset: float) -> float:
        right = np.where(is_af, odds + offset, -odds - offset)
        return float(-special.log_expit(right).mean())

    offset = optimize.minimize_scalar(loss, bounds=(-5, 5), method="bounded").x
    share = float(special.expit(special.logit(is_af.mean()) - offset))
    return {"af_share": min(max(share, LEAST_SHARE), MOST_SHARE)}


def short_limits(model: RhythmModel) -> dict[str, float]:
    """Thresholds of a model's manifest for short stretches; none where PTB-XL has no limits to offer."""
    people = [r for r in data.ptbxl() if r.fold in CHOOSING_FOLDS]
    answers = classify_records(map(af_or_not, people), model)
    heard = np.array(answers.predicted) != model.manifest.with_role("noise")[0]
    p = np.where(heard, answers.probabilities[:, model.manifest.classes.index("A")], np.nan)
    found = choose(p, np.array(answers.truth) == "A")
    return {"af_absent_short": found.absent, "af_present_short": found.present} if found else {}
