"""Ectopic beats of a stream, counted: how many, alone, in couplets or in runs, and none that AF makes up."""

from __future__ import annotations

import copy
from collections import deque
from typing import NamedTuple

from ecgedge.events import Ectopy

RUN = 3  # so many ectopic beats in a row are a run, two a couplet
# Beats that wait to be told whether they lie in AF: a minute at 300 per minute, more than a window's hop.
_MOST_WAITING = 300


class _Count:
    """Ectopic beats of one class as they come."""

    def __init__(self) -> None:
        self.beats = self.couplets = self.runs = self.longest = self.row = 0

    def take(self, ectopic: bool) -> None:
        if ectopic:
            self.beats, self.row = self.beats + 1, self.row + 1
            self.longest = max(self.longest, self.row)
        else:
            self.end_row()

    def end_row(self) -> None:
        self.couplets += self.row == RUN - 1
        self.runs += self.row >= RUN
        self.row = 0

    def ectopy(self, seconds: float) -> Ectopy:
        """What was counted so far; a row that may still go on has its length of now."""
        self.end_row()
        longest = self.longest if self.longest >= RUN else 0
        per_hour = 3600 * self.beats / seconds if seconds > 0 else None
        return Ectopy(
            beats=self.beats, per_hour=per_hour, couplets=self.couplets, runs=self.runs, longest_run=longest
        )


class _Waiting(NamedTuple):
    time_s: float
    symbol: str
    begins: bool


class _Told(NamedTuple):
    """What the last window said of a stretch."""

    start_s: float
    end_s: float
    af: bool


class EctopicBeats:
    """Counts ventricular beats everywhere, supraventricular ones outside of atrial fibrillation.

    No beat of AF is premature, and every one is supraventricular: there the class tells nothing. The rhythm
    of a beat is told up to a window's hop after the beat: until then it waits here.

    Examples
    --------
    >>> ectopic = EctopicBeats()
    >>> for i in range(40):
    ...     ectopic.add(float(i), "S" if i in (5, 6, 30, 31, 32) else "N", begins=False)
    >>> ectopic.settle(0.0, 20.0, af=False)
    >>> ectopic.settle(20.0, 40.0, af=True)
    >>> counted = ectopic.supraventricular(3600.0)
    >>> counted.beats, counted.couplets, counted.runs
    (2, 1, 0)
    """

    def __init__(self) -> None:
        self._waiting: deque[_Waiting] = deque()
        self._ventricular, self._supraventricular = _Count(), _Count()
        self._told = _Told(0.0, 0.0, af=False)

    def add(self, time_s: float, symbol: str, *, begins: bool) -> None:
        """Add a beat; ``begins``: refused signal or a gap lies before it, and ends a row."""
        self._waiting.append(_Waiting(time_s, symbol, begins))
        if len(self._waiting) > _MOST_WAITING:
            self._count(self._waiting.popleft(), af=False)
        self._count_told()

    def settle(self, start_s: float, end_s: float, *, af: bool) -> None:
        """Tell the rhythm from ``start_s`` to ``end_s``; beats before it that still wait lie in no AF."""
        self._told = _Told(start_s, end_s, af)
        self._count_told()

    def _count_told(self) -> None:
        start_s, end_s, af = self._told
        while self._waiting and self._waiting[0].time_s < end_s:
            beat = self._waiting.popleft()
            self._count(beat, af=af and beat.time_s >= start_s)

    def ventricular(self, seconds: float) -> Ectopy:
        """Ventricular beats so far, in ``seconds`` of signal."""
        return self._with_waiting()._ventricular.ectopy(seconds)

    def supraventricular(self, seconds: float) -> Ectopy:
        """Supraventricular beats so far, in ``seconds`` of signal that is no AF."""
        return self._with_waiting()._supraventricular.ectopy(seconds)

    def _count(self, beat: _Waiting, *, af: bool) -> None:
        for symbol, count in (("V", self._ventricular), ("S", self._supraventricular)):
            if beat.begins:
                count.end_row()
            count.take(beat.symbol == symbol and not (af and symbol == "S"))

    def _with_waiting(self) -> EctopicBeats:
        """A copy in which nobody waits: who asks changes nothing."""
        whole = copy.deepcopy(self)
        whole.settle(0.0, float("inf"), af=False)
        return whole
