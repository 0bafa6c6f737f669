"""What a beat-class model gets of a beat: its wave, the wearer's template beat, and the rhythm around it.

One lead shows an ectopic beat only against what its wearer's beats are like, so the model is given three
waves: the signal around the beat, around the beat before it, and the template beat, a running mean of the
beats that did not come early. The rhythm is given as ratios of intervals to means of the last minute and of
the last five, and as means of the last minute that tell how regular the rhythm is and whether there is a P
wave. Waves are compared by correlations and ratios of power. Training and live inference both call these
functions, so that they cannot drift apart.

No figure takes the majority of the beats for normal: where four of five beats are supraventricular ectopic
ones (record 232 of MIT-BIH), a median interval is theirs. A mean is not, since the pauses between are long.
"""

from __future__ import annotations

from typing import Protocol, Self, cast

import numpy as np

from ecgedge.arithmetic.core import core
from ecgedge.beat_classes import likeness
from ecgedge.beat_classes.history import BeatHistory
from ecgedge.beat_classes.layout import N_INPUTS, Floats

Row = bytes | np.ndarray
"""The inputs of a beat: float32 values or INT8 codes, in memory that numpy can read."""


class History(Protocol):
    """What the histories of both cores do; see :class:`ecgedge.beat_classes.history.BeatHistory`."""

    def reset(self) -> None:
        """Forget the wearer."""

    def take_if_template(self, wave: Floats, before_s: float | None, after_s: float, /) -> bool:
        """Take the next beat if it is so plainly the template beat that no model need be asked."""

    def inputs(self, wave: Floats, before_s: float | None, after_s: float, /, *form: float) -> Row:
        """What the model gets of the next beat."""

    def learn(self, wave: Floats, before_s: float | None, after_s: float, teach: bool = True, /) -> None:
        """Remember a beat."""

    def snapshot(self) -> Self:
        """Return a copy."""

    def restore(self, other: Self, /) -> None:
        """Become what a snapshot was."""


def new_history() -> History:
    """A history without beats, of the core that runs.

    Examples
    --------
    >>> history = new_history()
    >>> history.take_if_template(np.zeros(80, np.float32), None, 0.8)
    False
    >>> len(np.frombuffer(history.inputs(np.zeros(80, np.float32), None, 0.8, 1.5), np.float32))
    272
    """
    return cast(History, BeatHistory() if core is None else core.History())


def beat_inputs(waves: Floats, rhythm: Floats, clip: float) -> Floats:
    """Model inputs of ``k`` beats, from what :class:`ecgedge.beat_classes.history.BeatInputs` holds of each.

    Parameters
    ----------
    waves : array, shape (k, 3, 80)
        In mV.
    rhythm : array, shape (k, 11)
    clip : float
        The INT8 range is spent on what is within.

    Returns
    -------
    array, shape (k, 272)
        The three waves over the height of the template's QRS, sample by sample (all first ones, all second
        ones, and so on), then the figures: rhythm, similarities, P waves.

    Examples
    --------
    >>> beat_inputs(np.zeros((2, 3, 80), np.float32), np.zeros((2, 11), np.float32), clip=1.5).shape
    (2, 272)
    """
    waves, rhythm = (np.require(x, np.float32, ("C", "A")) for x in (waves, rhythm))
    if core is None:
        return likeness.beat_inputs(waves, rhythm, clip)
    out = np.empty((len(waves), N_INPUTS), np.float32)
    core.beat_inputs(waves, rhythm, clip, out)
    return out


def cut(signal: Floats, start: int, n: int) -> Floats:
    """Samples ``start`` to ``start + n``, the outermost ones repeated beyond the ends."""
    low, high = max(0, start), min(len(signal), start + n)
    if high - low == n:
        return signal[low:high].copy()
    return np.pad(signal[low:high], (low - start, start + n - high), mode="edge")
