"""Fast beats that come like a clock are no atrial fibrillation, whatever the waves between them look like.

At 150 to 170 a minute P waves lie on T waves, and the rhythm model, which saw hardly any such rates in its
training, takes a made regular tachycardia for fibrillation. Fibrillation is irregular by definition
(Hindricks et al., ESC guidelines, 2020). Below 100 a minute, where a pacemaker or a complete block makes
fibrillation regular, the model decides alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ecgedge.rhythm.sinus import FAST_BPM
from ecgedge.rhythm.spread import spread

__all__ = ["is_clockwork", "without_fibrillation"]

# Middle 80 % of the intervals over their median. Of fibrillation at 100 a minute and more, 188 of the 190
# recordings of CinC 2017 that train lie above 0.12, and all but one of PTB-XL (folds 1 to 8) above 0.14; half
# of the sinus tachycardia there lies below 0.04, three quarters below 0.07.
MOST_SPREAD = 0.1
LEAST_INTERVALS = 10  # of fewer, regular ones are chance


def is_clockwork(beats_s: Sequence[float]) -> bool:
    """Whether beats are fast and regular.

    Parameters
    ----------
    beats_s : sequence of float
        Their times in seconds.

    Examples
    --------
    >>> is_clockwork([0.4 * i for i in range(20)]), is_clockwork([0.8 * i for i in range(20)])
    (True, False)
    """
    if len(beats_s) <= LEAST_INTERVALS:
        return False
    rr = spread(beats_s)
    return rr.middle <= 60 / FAST_BPM and rr.width <= MOST_SPREAD * rr.middle


def without_fibrillation(p: Mapping[str, float], roles: Mapping[str, str]) -> dict[str, float]:
    """Give what is thought of fibrillation to other rhythms, in equal parts; as it is where there are none.

    Examples
    --------
    >>> without_fibrillation({"A": 0.75, "O": 0.25}, {"A": "af", "O": "other"})
    {'A': 0.0, 'O': 1.0}
    """
    others = [name for name in p if roles[name] == "other"]
    if not others:
        return dict(p)
    moved = sum(value for name, value in p.items() if roles[name] == "af") / len(others)
    return {
        name: 0.0 if roles[name] == "af" else value + moved * (name in others) for name, value in p.items()
    }
