"""The way of a beat to the measures of its window, in one object: cleaner, what it has decided, window."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import fields
from typing import Any, Protocol

from ecgedge.arithmetic.core import core
from ecgedge.events import HrvMeasures
from ecgedge.hrv.by_class import ClassCleaner
from ecgedge.hrv.cleaning import Interval, RrCleaner
from ecgedge.hrv.measures import NnWindow


class Intervals(Protocol):
    """What the stage needs, in numpy or compiled; times in seconds, in ascending order."""

    @property
    def fresh(self) -> bool:
        """Whether NN intervals have come into the window since it was measured."""

    @property
    def waiting_s(self) -> float | None:
        """End of the earliest interval without a verdict, None where there is none."""

    def push(self, beat_s: float, normal: bool) -> None:
        """Take a beat, and whether it is of class N."""

    def end_run(self) -> None:
        """No interval spans what comes now (a gap, noise, the end)."""

    def silent_s(self, now_s: float) -> float:
        """Seconds without a beat in this run; 0 before its first."""

    def keep(self, until_s: float) -> float | None:
        """Put intervals that have ended into the window; the end of the next with a verdict, None without."""

    def measured(self, start_s: float, end_s: float) -> HrvMeasures | None:
        """Drop what began before the window and measure it; None without a usable interval."""


def intervals(window_s: float, *, by_class: bool) -> Intervals:
    """The compiled object where there is one."""
    if core is not None and by_class:
        return CompiledIntervals()
    return PythonIntervals(window_s, by_class=by_class)


class PythonIntervals:
    """In Python and numpy: what the compiled core is tested against."""

    def __init__(self, window_s: float, *, by_class: bool) -> None:
        self._cleaner: ClassCleaner | RrCleaner = ClassCleaner() if by_class else RrCleaner()
        self._decided: deque[Interval] = deque()
        self._window = NnWindow(window_s)
        self._fresh = False

    @property
    def fresh(self) -> bool:
        return self._fresh

    @property
    def waiting_s(self) -> float | None:
        return self._cleaner.waiting_s

    def push(self, beat_s: float, normal: bool) -> None:
        if isinstance(self._cleaner, ClassCleaner):
            self._decided += self._cleaner.push(beat_s, normal=normal)
        else:
            self._decided += self._cleaner.push(beat_s)

    def end_run(self) -> None:
        self._decided += self._cleaner.end_run()

    def silent_s(self, now_s: float) -> float:
        return self._cleaner.silent_s(now_s)

    def keep(self, until_s: float) -> float | None:
        while self._decided and self._decided[0].end_s <= until_s:
            interval = self._decided.popleft()
            self._window.add(interval)
            self._fresh = self._fresh or interval.normal
        return self._decided[0].end_s if self._decided else None

    def measured(self, start_s: float, end_s: float) -> HrvMeasures | None:
        self._window.forget(start_s)
        if not len(self._window):
            return None
        self._fresh = False
        return self._window.measures(start_s, end_s)


class CompiledIntervals:
    """In the compiled core, by classes."""

    def __init__(self) -> None:
        assert core is not None
        inner = core.Intervals()
        self._inner: Any = inner
        self.push: Callable[[float, bool], None] = inner.push
        self.end_run: Callable[[], None] = inner.end_run
        self.silent_s: Callable[[float], float] = inner.silent_s
        self.keep: Callable[[float], float | None] = inner.keep

    @property
    def fresh(self) -> bool:
        found: bool = self._inner.fresh()
        return found

    @property
    def waiting_s(self) -> float | None:
        found: float | None = self._inner.waiting_s()
        return found

    def measured(self, start_s: float, end_s: float) -> HrvMeasures | None:
        values = self._inner.measured(start_s, end_s)
        return None if values is None else HrvMeasures(**dict(zip(_NAMES, values, strict=True)))


_NAMES = tuple(field.name for field in fields(HrvMeasures))
