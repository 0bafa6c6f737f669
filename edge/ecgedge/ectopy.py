"""Ectopic beats of a stream, counted: how many, alone, in couplets or in runs, and none that AF makes up."""

from __future__ import annotations

import copy
from collections import deque
from typing import NamedTuple

from ecgedge.details import EctopicDetail, EctopicPattern, EctopicRow
from ecgedge.events import Ectopy

RUN = 3  # so many ectopic beats in a row are a run, two a couplet
PATTERN = 3  # so many ectopic beats with as many others between them are bigeminy or trigeminy
# Beats that wait to be told whether they lie in AF: a minute at 300 per minute, more than a window's hop.
_MOST_WAITING = 300


class _Pattern:
    """Bigeminy and trigeminy of one class as they come."""

    def __init__(self, symbol: str) -> None:
        self._symbol = symbol
        self._between: int | None = None  # other beats since the last ectopic one
        self._every = self._beats = 0
        self._start_s = self._last_s = 0.0

    def other(self) -> list[EctopicDetail]:
        """Take a beat of another class."""
        if self._between is None:
            return []
        self._between += 1
        return self.end() if self._between > 2 else []

    def ectopic(self, time_s: float) -> list[EctopicDetail]:
        """Take an ectopic beat."""
        every = 1 + self._between if self._between in (1, 2) else 0
        found: list[EctopicDetail] = []
        if not every or every != self._every:
            found = self._ended()
            self._every, self._beats = every, 1
            self._start_s = self._last_s if every else time_s
        self._beats += bool(every)
        self._between, self._last_s = 0, time_s
        return found

    def end(self) -> list[EctopicDetail]:
        """End what there is: beats of another class, refused signal or a gap follow."""
        found = self._ended()
        self._between, self._every, self._beats = None, 0, 0
        return found

    def _ended(self) -> list[EctopicDetail]:
        if not self._every or self._beats < PATTERN:
            return []
        return [EctopicPattern(self._symbol, self._every, self._start_s, self._last_s, self._beats)]


class _Count:
    """Ectopic beats of one class as they come."""

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.beats = self.couplets = self.runs = self.longest = self.row = 0
        self._start_s = self._last_s = 0.0  # of the row
        self._pattern = _Pattern(symbol)

    def take(self, time_s: float, *, ectopic: bool) -> list[EctopicDetail]:
        if not ectopic:
            return self._end_row() + self._pattern.other()
        if not self.row:
            self._start_s = time_s
        self.beats, self.row, self._last_s = self.beats + 1, self.row + 1, time_s
        self.longest = max(self.longest, self.row)
        return self._pattern.ectopic(time_s)

    def end(self) -> list[EctopicDetail]:
        """End what there is: refused signal or a gap follows."""
        return self._end_row() + self._pattern.end()

    def _end_row(self) -> list[EctopicDetail]:
        if not self.row:
            return []
        row = EctopicRow(self.symbol, self._start_s, self._last_s, self.row)
        self.couplets += self.row == RUN - 1
        self.runs += self.row >= RUN
        self.row = 0
        return [row]

    def ectopy(self, seconds: float) -> Ectopy:
        """What was counted so far; a row that may still go on has its length of now."""
        self._end_row()
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
    of a beat is told up to a window's hop after the beat: until then it waits here. What ends is handed out
    by the call that ends it.

    Examples
    --------
    >>> ectopic = EctopicBeats()
    >>> for i in range(40):
    ...     _ = ectopic.add(float(i), "S" if i in (5, 6, 30, 31, 32) else "N", begins=False)
    >>> ectopic.settle(0.0, 20.0, af=False)
    [EctopicRow(symbol='S', start_s=5.0, end_s=6.0, beats=2)]
    >>> ectopic.settle(20.0, 40.0, af=True)
    []
    >>> counted = ectopic.supraventricular(3600.0)
    >>> counted.beats, counted.couplets, counted.runs
    (2, 1, 0)
    """

    def __init__(self) -> None:
        self._waiting: deque[_Waiting] = deque()
        self._ventricular, self._supraventricular = _Count("V"), _Count("S")
        self._told = _Told(0.0, 0.0, af=False)

    def add(self, time_s: float, symbol: str, *, begins: bool) -> list[EctopicDetail]:
        """Add a beat; ``begins``: refused signal or a gap lies before it, and ends a row."""
        self._waiting.append(_Waiting(time_s, symbol, begins))
        found: list[EctopicDetail] = []
        if len(self._waiting) > _MOST_WAITING:
            found = self._count(self._waiting.popleft(), af=False)
        return found + self._count_told()

    def settle(self, start_s: float, end_s: float, *, af: bool) -> list[EctopicDetail]:
        """Tell the rhythm from ``start_s`` to ``end_s``; beats before it that still wait lie in no AF."""
        self._told = _Told(start_s, end_s, af)
        return self._count_told()

    def _count_told(self) -> list[EctopicDetail]:
        start_s, end_s, af = self._told
        found: list[EctopicDetail] = []
        while self._waiting and self._waiting[0].time_s < end_s:
            beat = self._waiting.popleft()
            found += self._count(beat, af=af and beat.time_s >= start_s)
        return found

    def ventricular(self, seconds: float) -> Ectopy:
        """Ventricular beats so far, in ``seconds`` of signal."""
        return self._with_waiting()._ventricular.ectopy(seconds)

    def supraventricular(self, seconds: float) -> Ectopy:
        """Supraventricular beats so far, in ``seconds`` of signal that is no AF."""
        return self._with_waiting()._supraventricular.ectopy(seconds)

    def rest(self) -> list[EctopicDetail]:
        """Return what has not ended yet, as if the stream ended now."""
        whole = copy.deepcopy(self)
        return whole.settle(0.0, float("inf"), af=False) + [
            detail for count in (whole._ventricular, whole._supraventricular) for detail in count.end()
        ]

    def _count(self, beat: _Waiting, *, af: bool) -> list[EctopicDetail]:
        found: list[EctopicDetail] = []
        for count in (self._ventricular, self._supraventricular):
            if beat.begins:
                found += count.end()
            ectopic = beat.symbol == count.symbol and not (af and count.symbol == "S")
            found += count.take(beat.time_s, ectopic=ectopic)
        return found

    def _with_waiting(self) -> EctopicBeats:
        """A copy in which nobody waits: who asks changes nothing."""
        whole = copy.deepcopy(self)
        whole.settle(0.0, float("inf"), af=False)
        return whole
