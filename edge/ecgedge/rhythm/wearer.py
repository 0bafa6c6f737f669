"""What is known of the wearer, and how common atrial fibrillation then is: textbook prior correction.

A network that learned as if one window in five showed fibrillation (its loss weighs rare classes up) says
"fibrillation" with the odds of such a place. Where it is rarer, the same trace means it less often:
p_new(y|x) is proportional to p_old(y|x) * p_new(y) / p_old(y) (Saerens et al., Neural Computation 14(1),
2002; for covariates arXiv 2410.19575). Only whoever gives a wearer gets that. It cannot tell one trace from
another: it moves the odds of all of them alike.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

Sex = Literal["female", "male"]
OLDEST = 120.0
# What is believed of a share given by hand, and how far the odds may move: 100 recordings of CinC 2017 with
# AF validate, so nothing is known of errors that are rarer than one in a hundred.
LEAST_SHARE, MOST_SHARE = 0.01, 0.99
# Share of people with known AF by age and sex among 1.89 million members of a health plan (Go et al., JAMA
# 285(18), 2001, figure 2). Below 1 %, LEAST_SHARE holds: nobody wears an ECG for no reason at all.
_FROM_AGE = (55, 60, 65, 70, 75, 80, 85)
_SHARES: Mapping[str, tuple[float, ...]] = {
    "female": (0.001, 0.004, 0.010, 0.017, 0.034, 0.050, 0.072, 0.091),
    "male": (0.002, 0.009, 0.017, 0.030, 0.050, 0.073, 0.103, 0.111),
}


@dataclass(frozen=True, slots=True)
class Wearer:
    """What is known of who wears the device; each part may stay unknown, and nobody's name is asked for.

    Parameters
    ----------
    age : float, optional
        Years, 0 to 120.
    sex : str, optional
        ``"female"`` or ``"male"``.
    af_share : float, optional
        Share of the time, 0.01 to 0.99, that the wearer is thought to be in atrial fibrillation, where a
        doctor knows better than the tables of age and sex.

    Raises
    ------
    ValueError
        A value beyond these.
    TypeError
        A value of another kind.

    Examples
    --------
    >>> Wearer(age=81, sex="male").expected_af
    0.103
    >>> Wearer(age=81).expected_af, Wearer(sex="male").expected_af, Wearer(30, af_share=0.2).expected_af
    (0.0875, None, 0.2)
    """

    age: float | None = None
    sex: Sex | None = None
    af_share: float | None = None

    def __post_init__(self) -> None:
        _check("age", self.age, 0.0, OLDEST)
        _check("af_share", self.af_share, LEAST_SHARE, MOST_SHARE)
        if self.sex is not None and (not isinstance(self.sex, str) or self.sex not in _SHARES):
            raise ValueError(f"sex is {self.sex!r}: give 'female', 'male', or None where it is not known")

    @property
    def expected_af(self) -> float | None:
        """Share of windows with atrial fibrillation to expect; None where too little is known to say."""
        if self.af_share is not None:
            return self.af_share
        if self.age is None:  # the sex alone tells little: 1.1 % of men and 0.8 % of women
            return None
        group = bisect_right(_FROM_AGE, self.age)
        shares = [_SHARES[sex][group] for sex in ([self.sex] if self.sex else _SHARES)]
        return max(LEAST_SHARE, sum(shares) / len(shares))


def corrected(p: Mapping[str, float], af: Collection[str], old: float, new: float) -> dict[str, float]:
    """Probabilities where a share ``new`` of the windows shows AF, from those for a share ``old``.

    Parameters
    ----------
    p : mapping of str to float
        Probability of each class; they add up to 1.
    af : collection of str
        The classes that are atrial fibrillation; with none of them nothing changes.
    old, new : float
        Between 0 and 1, both excluded.

    Raises
    ------
    ValueError
        A share of 0 or 1, or beyond.

    Examples
    --------
    >>> corrected({"N": 0.5, "A": 0.5}, ["A"], old=0.5, new=0.1)
    {'N': 0.9, 'A': 0.1}
    """
    if not (0 < old < 1 and 0 < new < 1):
        raise ValueError(f"shares are {old:g} and {new:g}: both lie between 0 and 1")
    if not any(name in af for name in p):
        return dict(p)
    odds = {name: v * (new / old if name in af else (1 - new) / (1 - old)) for name, v in p.items()}
    whole = math.fsum(odds.values())
    return {name: v / whole for name, v in odds.items()}


def _check(name: str, value: object, low: float, high: float) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} is {value!r}: give a number, or None where it is not known")
    if not low <= value <= high:  # NaN is no number between any two
        raise ValueError(f"{name} is {value:g}: give {low:g} to {high:g}, or None where it is not known")
