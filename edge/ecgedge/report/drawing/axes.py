"""Axes: round times by the clock, round numbers."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import NamedTuple

from ecgedge.sinks.words import clock as since_start

__all__ = ["Tick", "nice_step", "time_ticks", "values_upto"]

_DAY_S = 86_400.0
_WITH_SECONDS = 0.6
_STEPS_S = (
    1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0,
    3600.0, 7200.0, 10_800.0, 21_600.0, 43_200.0, _DAY_S,
)  # fmt: skip


class Tick(NamedTuple):
    """A place on the axis of time: seconds of the recording, and what stands there."""

    time_s: float
    label: str


def time_ticks(
    start_s: float,
    end_s: float,
    clock: datetime | None = None,
    *,
    most: int = 13,
    step_s: float | None = None,
) -> list[Tick]:
    """Return round times of a stretch: of day, or since the start of the recording.

    Parameters
    ----------
    start_s, end_s : float
        The stretch, in seconds of the recording.
    clock : datetime, optional
        Time of the recording's first sample, as its clock showed it: its zone plays no part.
    most : int
        Ticks at most.
    step_s : float, optional
        Distance of two ticks, in place of the smallest round one.

    Examples
    --------
    >>> [tick.label for tick in time_ticks(0.0, 7200.0, datetime(2026, 11, 29, 22, 50), most=4)]
    ['23:00', '23:30', '00:00', '00:30']
    """
    step = step_s or next((s for s in _STEPS_S if (end_s - start_s) / s <= _room(most, s, clock)), None)
    step = step or math.ceil((end_s - start_s) / most / _DAY_S) * _DAY_S
    offset = 0.0
    if clock is not None:
        midnight = clock.replace(hour=0, minute=0, second=0, microsecond=0)
        offset = (clock - midnight).total_seconds()
    first, last = math.ceil((start_s + offset) / step - 1e-9), math.floor((end_s + offset) / step + 1e-9)
    return [Tick(n * step - offset, _label(n * step - offset, step, clock)) for n in range(first, last + 1)]


def _room(most: int, step_s: float, clock: datetime | None) -> float:
    """Ticks that there is room for: times of day with seconds are half as long again, in wide letters too."""
    return most * _WITH_SECONDS if clock is not None and step_s < 60 else most


def _label(time_s: float, step_s: float, clock: datetime | None) -> str:
    if clock is None:
        return since_start(time_s)
    moment = clock + timedelta(seconds=round(time_s, 3))
    if step_s >= _DAY_S:
        return f"{moment:%d %b}"
    return f"{moment:%H:%M:%S}" if step_s < 60 else f"{moment:%H:%M}"


def nice_step(most: float, ticks: int) -> float:
    """Return the smallest round number, of at most ``ticks`` of which reach ``most``.

    Examples
    --------
    >>> nice_step(140.0, 5), nice_step(0.9, 4)
    (50.0, 0.25)
    """
    rough = max(most, 1e-9) / ticks
    scale = 10.0 ** math.floor(math.log10(rough))
    return next(scale * n for n in (1.0, 2.0, 2.5, 5.0, 10.0) if scale * n >= rough * (1 - 1e-9))


def values_upto(low: float, high: float, step: float) -> list[float]:
    """Return the multiples of a step from ``low`` to ``high``."""
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [n * step for n in range(first, last + 1)]
