"""From probabilities to a label that does not flicker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.arithmetic.functions import exps
from ecgedge.arithmetic.sums import in_order

# For a model whose manifest gives none. Chosen on the validation split of CinC 2017; those of short stretches
# as ecgedge_export.rhythm.limits says.
LIMITS: Mapping[str, float] = {
    "conclusive": 0.5,
    "sure": 0.8,
    "af_absent": 0.1,
    "af_present": 0.6,
    "af_absent_short": 0.1,
    "af_present_short": 0.6,
}
# AF is told from so many seconds on: those of a standard ECG. A diagnosis rests on no less than 30 s
# (Hindricks et al., ESC guidelines, 2020); a shorter stretch has limits of its own: it shows fewer intervals.
AF_LEAST_S, AF_WHOLE_S = 10.0, 30.0
# Ends of stretches are whole samples: a recording of 10 s may be a sample short of it.
_SAMPLE_S = 0.02
# A stretch that is longer by this factor knows better. Windows grow from 10 to 20 to 30 s; those of 30.0 and
# 30.4 s are alike.
_LONGER = 1.2


class Decision(NamedTuple):
    """The label held after a window, whether that window was conclusive, whether it changed the label."""

    label: str
    conclusive: bool
    changed: bool


def probabilities(logits: npt.NDArray[np.floating], temperature: float) -> npt.NDArray[np.float64]:
    """Softmax of ``logits / temperature``.

    The temperature is fitted on validation data (Guo et al., ICML 2017).
    """
    z = np.asarray(logits, np.float64) / temperature
    e = exps(z - z.max())
    p: npt.NDArray[np.float64] = e / in_order(e)
    return p


def present(p: float, absent: float, present: float) -> bool | None:
    """Whether something is there, from its probability; None where it lies between the limits.

    Examples
    --------
    >>> present(0.9, 0.1, 0.6), present(0.3, 0.1, 0.6), present(0.05, 0.1, 0.6)
    (True, None, False)
    """
    return True if p >= present else False if p <= absent else None


def af_present(p: float, seconds: float, limits: Mapping[str, float]) -> bool | None:
    """Whether there is AF, from its probability in a stretch of so many seconds; None below 10 s.

    Examples
    --------
    >>> limits = {"af_absent": 0.1, "af_present": 0.6, "af_absent_short": 0.05, "af_present_short": 0.7}
    >>> [af_present(0.65, s, limits) for s in (8.0, 10.0, 30.0)]
    [None, None, True]
    """
    if seconds < AF_LEAST_S - _SAMPLE_S:
        return None
    suffix = "_short" if seconds < AF_WHOLE_S - _SAMPLE_S else ""
    return present(p, limits[f"af_absent{suffix}"], limits[f"af_present{suffix}"])


@dataclass(slots=True)
class Hysteresis:
    """Holds a label until another one is sure, or comes ``confirm`` times in a row.

    What a stretch was called does not count against one that is longer by a fifth or more: the first windows
    of a recording grow, and its last label is that of the longest.

    Parameters
    ----------
    conclusive : float
        A window whose best probability is below this is inconclusive.
    sure : float
        A window this probable changes the label at once.
    confirm : int
        So many conclusive windows in a row change it otherwise.

    Examples
    --------
    >>> h = Hysteresis()
    >>> windows = {"N": 0.9, "A": 0.1}, {"N": 0.3, "A": 0.7}, {"N": 0.3, "A": 0.7}
    >>> [tuple(h.update(p)) for p in windows]
    [('N', True, True), ('N', True, False), ('A', True, True)]
    """

    conclusive: float = 0.5
    sure: float = 0.8
    confirm: int = 2
    label: str | None = field(default=None, init=False)
    _rival: tuple[str, int] = field(default=("", 0), init=False)  # last conclusive class, times in a row
    _longest: float = field(default=0.0, init=False)  # stretch in seconds that was named

    def update(self, p: Mapping[str, float], seconds: float = AF_WHOLE_S) -> Decision:
        """Take the probabilities of one window of so many seconds."""
        best = max(p, key=p.__getitem__)
        conclusive = p[best] >= self.conclusive
        knows_better = seconds > _LONGER * self._longest
        self._longest = max(self._longest, seconds)
        if self.label is None or knows_better:
            changed, self.label, self._rival = best != self.label, best, ("", 0)
            return Decision(best, conclusive, changed)
        if not conclusive:
            return Decision(self.label, conclusive=False, changed=False)
        count = self._rival[1] + 1 if self._rival[0] == best else 1
        self._rival = (best, count)
        changed = best != self.label and (count >= self.confirm or p[best] >= self.sure)
        if changed:
            self.label = best
        return Decision(self.label, conclusive=True, changed=changed)

    def reset(self) -> None:
        """Forget the label."""
        self.label, self._rival, self._longest = None, ("", 0), 0.0
