"""From probabilities to a label that does not flicker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

# For a model whose manifest gives none. Chosen on the validation split of CinC 2017.
LIMITS: Mapping[str, float] = {"conclusive": 0.5, "sure": 0.8, "af_absent": 0.1, "af_present": 0.6}


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
    e = np.exp(z - z.max())
    p: npt.NDArray[np.float64] = e / e.sum()
    return p


def present(p: float, absent: float, present: float) -> bool | None:
    """Whether something is there, from its probability; None where it lies between the limits.

    Examples
    --------
    >>> present(0.9, 0.1, 0.6), present(0.3, 0.1, 0.6), present(0.05, 0.1, 0.6)
    (True, None, False)
    """
    return True if p >= present else False if p <= absent else None


@dataclass(slots=True)
class Hysteresis:
    """Holds a label until another one is sure, or comes ``confirm`` times in a row.

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

    def update(self, p: Mapping[str, float]) -> Decision:
        """Take the probabilities of one window."""
        best = max(p, key=p.__getitem__)
        conclusive = p[best] >= self.conclusive
        if self.label is None:
            self.label = best
            return Decision(best, conclusive, changed=True)
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
        self.label, self._rival = None, ("", 0)
