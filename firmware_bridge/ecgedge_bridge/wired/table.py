"""Which column of a board's lines is the ECG, which its clock, and how fast it samples; without any I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.protocols.own.frames import RATES

__all__ = ["MOST_ROWS", "Layout", "find_layout", "unwrapped"]

Float64s = npt.NDArray[np.float64]
# Stamps in whole milliseconds show 100 Hz and more to 0.1 % in so many rows, and whether a column grows.
ROWS, MOST_ROWS = 16, 512
_UNITS_S = (1.0, 1e-3, 1e-6, 1e-9)
# What ECG is sampled at: a factor of 80, so that one unit at most fits a step.
MIN_FS, MAX_FS = 50.0, 4000.0
_NEAR = 0.3
_SNAP = 0.005
# Some lines may be lost between these.
_MOSTLY = 0.9
_TURN = float(1 << 32)


class Layout(NamedTuple):
    """The column of the ECG, that of the clock if there is one, its unit in seconds, and the rate in Hz."""

    columns: int
    value: int
    fs: float
    time: int | None = None
    tick_s: float = 1.0


def rows_needed(columns: int, fs: float | None) -> int:
    """How many lines show the layout."""
    return 1 if columns == 1 else ROWS if fs is not None else MOST_ROWS


def find_layout(
    rows: Sequence[Sequence[float]], names: Sequence[str], fs: float | None, channel: str | None, source: str
) -> Layout:
    """Find the layout from the first lines.

    Raises
    ------
    ConfigError
        The rate does not show and was not given, or several columns may be the ECG.

    Examples
    --------
    >>> rows = [(1000 + 4 * k, 512) for k in range(300)]  # Serial.print(millis())
    >>> find_layout(rows, (), None, None, "board")
    Layout(columns=2, value=1, fs=250.0, time=0, tick_s=0.001)
    """
    columns = max(len(row) for row in rows)
    table = np.array([row for row in rows if len(row) == columns], np.float64)
    wanted = None if channel is None else _column(channel, columns, names, source)
    clock = None if columns == 1 or wanted == 0 else _clock(table[:, 0], fs)
    if clock is None and fs is None:
        raise ConfigError(f"{source} does not say how fast it samples: give --fs, for example --fs 250")
    values = [k for k in range(columns) if k != 0 or clock is None]
    if wanted is None and len(values) > 1:
        raise ConfigError(f"{source} sends {len(values)} columns of numbers: choose one with --channel")
    if clock is None:
        return Layout(columns, values[0] if wanted is None else wanted, fs or 0.0)
    return Layout(columns, values[0] if wanted is None else wanted, fs or clock[0], 0, clock[1])


def unwrapped(raw: float, last: float) -> float:
    """A board's clock of 32 bits, made such that does not wrap: micros() does in 71 minutes.

    Examples
    --------
    >>> unwrapped(4.0, 4294967290.0)
    4294967300.0
    """
    turns = round((last - raw) / _TURN)
    return raw + turns * _TURN if turns > 0 and 0 <= raw < _TURN else raw


def _column(channel: str, columns: int, names: Sequence[str], source: str) -> int:
    if channel in names:
        return list(names).index(channel)
    if channel.isascii() and channel.isdigit() and int(channel) < columns:
        return int(channel)
    raise ConfigError(f"{source} has no column of that name: give --channel 0 to {columns - 1}")


def _clock(column: Float64s, fs: float | None) -> tuple[float, float] | None:
    """Rate and unit that a column shows that grows evenly; None where it is no clock."""
    steps = np.diff(column)
    steps = np.where(steps < -_TURN / 2, steps + _TURN, steps)
    step = float(np.median(steps)) if len(steps) else 0.0
    even = steps[np.abs(steps - step) <= 0.5 * step]
    if not step > 0 or len(even) < _MOSTLY * len(steps):
        return None
    mean = float(even.mean())
    for unit in _UNITS_S:
        rate = 1 / (mean * unit)
        if fs is not None and abs(rate / fs - 1) < _NEAR:
            return fs, unit
        if fs is None and MIN_FS <= rate <= MAX_FS and step != 1.0:
            return _snapped(1 / (step * unit), rate), unit
    # A count of samples.
    return (fs, 1 / fs) if fs is not None and step == 1.0 else None


def _snapped(stepped: float, rate: float) -> float:
    """The rate that is meant: that of the step, or a common one, where the measured one is near."""
    near = [one for one in (stepped, *RATES[1:]) if abs(one / rate - 1) < _SNAP]
    return float(near[0]) if near else round(rate, 2)
