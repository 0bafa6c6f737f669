"""The rate behind the stamps of a recording: a robust slope, with what it is worth.

Row ``i`` was measured at ``start + (i + lost before i) * period``. Its stamp adds noise: rounding to whole
ticks, jitter of the program that wrote it, or one stamp for a whole frame. Losses and clock steps move all
later stamps. So the slope comes from runs between such steps: all runs together give one regression.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.recording.timing.observations import Grouping, Observations, find_grouping, observe

__all__ = ["Clock", "measure", "roundest"]

Float = npt.NDArray[np.float64]

_LAGS = (1024, 256, 64, 16, 4, 1)  # rows between two stamps: long ones average noise, short ones see no loss
_SAME = 1e-3  # relative: slopes nearer than that to one tried already lead to the same fit
_REFINEMENTS = 4
_CLEAR = 0.2  # of a period: a step this near to a whole number of periods is a loss of that many
_NARROW = 0.75  # of what is counted: half of that, to either side, is two sigma
_WIDTH = (0.01, 0.99)  # quantiles that bound the noise of stamps; a fifth more covers what lies outside
_WIDTH_MARGIN = 1.2
# Noise width from how far steps are from their median: five times the 60 % quantile are six sigma of Gaussian
# jitter, also where every third frame is lost; twice the 95 % quantile holds all of coarse ticks.
_STEP_WIDTHS = ((0.6, 5.0), (0.95, 2.0))
_OF_TWO = 1.4  # a step has the noise of two stamps
_MARGIN = 0.05  # of a period: rounding and drift, over the noise
# A jump has to explain as much as six e-folds of noise width in one stamp: with fewer, jitter is cut into
# runs; with ten, 30 % lost frames beside 10 ms of jitter are taken for a slower rate.
_JUMP_COST = 6.0
# One that is no whole number of samples has to explain four times that: else every other tick is a jump.
_UNCLEAR_COST = 25.0
_MANY_JUMPS = 8  # have to follow a pattern before it is one
_OF_TICK = 1.25  # the width that rounding gives, by the measure above
_FINE = 0.01  # of a period: noise below that makes no fit better
_SIGMAS = 3.0
_LONGEST_TICK_NS = 10**9  # the coarsest stamps that are written are whole seconds
_CRYSTAL = 5e-4  # relative: what cheap crystals deviate; a Polar H10 that is off by 1.2e-3 is not snapped
_FINEST = 2e-6  # relative: no logger's crystal is known better, and ns stamps are rounded
_RARE = 0.05  # of the steps are odd ones: those at losses and at steps of the clock
_RARER = 0.01  # of the groups: such sizes are those of groups that a loss or an end has cut
_FRAME_SHARE = 0.8  # of the groups have one size: then that is the size of a frame
# Rates that makers of ECG devices use; where the evidence leaves room for several, these come first.
_USUAL_FS = (125.0, 128.0, 130.0, 200.0, 250.0, 256.0, 300.0, 360.0, 400.0, 500.0, 512.0, 1000.0, 2000.0)


@dataclass(frozen=True, slots=True)
class Clock:
    """What stamps follow.

    Parameters
    ----------
    period_ns : float
        Time from one sample to the next.
    uncertainty : float
        Of the period, relative; three standard errors or what the ticks of the stamps leave open.
    spread_ns : float
        Full width of the noise of the stamps.
    frame : int
        Rows of a frame where a stamp belongs to a frame of one size, else 1.
    grouping : Grouping
        How rows share stamps.
    """

    period_ns: float
    uncertainty: float
    spread_ns: float
    frame: int
    grouping: Grouping

    @property
    def fs(self) -> float:
        """Rate in Hz, the roundest that the evidence allows."""
        return roundest(1e9 / self.period_ns, self.uncertainty)


def roundest(fs: float, uncertainty: float) -> float:
    """Give the roundest rate that lies within the uncertainty of a measured one.

    A usual rate within 500 ppm is the nominal one: device and stamps have different crystals.

    Examples
    --------
    >>> roundest(130.04, 1e-5), roundest(130.16, 1e-5), roundest(499.3100004, 1e-6)
    (130.0, 130.16, 499.31)
    """
    margin = fs * max(uncertainty, _FINEST)
    usual = min(_USUAL_FS, key=lambda rate: abs(rate - fs))
    if abs(usual - fs) <= max(margin, fs * _CRYSTAL):
        return usual
    return next((round(fs, d) for d in range(6) if abs(round(fs, d) - fs) <= margin), fs)


def measure(time_ns: npt.NDArray[np.int64]) -> Clock | None:
    """Measure what the stamps of the first rows follow; None where they show no rate.

    Parameters
    ----------
    time_ns : ndarray of int64, shape (n,)
        A stamp for each row.

    Examples
    --------
    >>> stamps = np.floor(np.arange(5120) / 512 * 1000).astype(np.int64) * 1_000_000
    >>> measure(stamps).fs
    512.0
    """
    grouping = find_grouping(time_ns)
    seen = observe(time_ns, grouping, whole=not grouping.last)
    if len(seen) < 2:
        return None
    row = seen.row.astype(np.float64)
    time = (seen.time_ns - seen.time_ns[0]).astype(np.float64)
    frame = _frame(seen)
    tick = _tick(seen, frame.unit)
    known = _Known(tick.size_ns, tick.is_decimal, frame.size, frame.unit)
    fits = [
        _refined(row, time, _Fit(period, width), known)
        for period in _candidates(row, time)
        for width in _widths(row, time, period, known)
    ]
    if not fits:
        return None
    fit = min(fits, key=lambda each: each.cost)
    steady = max(
        fit.uncertainty, 0.5 * min(known.tick_ns, fit.period_ns) / fit.span_ns if fit.span_ns else 1.0
    )
    return Clock(fit.period_ns, steady, fit.spread_ns, known.frame, grouping)


@dataclass(frozen=True, slots=True)
class _Fit:
    """A slope, the width of what it leaves over, and how many bits (but for a factor) both take to tell."""

    period_ns: float
    spread_ns: float
    uncertainty: float = 1.0
    span_ns: float = 0.0
    cost: float = np.inf


@dataclass(frozen=True, slots=True)
class _Known:
    """What shows without a slope: the resolution of the stamps, and how many rows share a stamp.

    ``frame`` is the size that groups have, 1 where it varies; all sizes are multiples of ``unit``.
    """

    tick_ns: float
    is_decimal: bool
    frame: int
    unit: int


def _candidates(row: Float, time: Float) -> list[float]:
    """Median slopes over several lags: with losses the short ones are right, with jitter the long ones."""
    found: list[float] = []
    for lag in _LAGS:
        if lag > 1 and len(row) <= 3 * lag:
            continue
        slope = float(np.median((time[lag:] - time[:-lag]) / (row[lag:] - row[:-lag])))
        if slope > 0 and all(abs(slope / other - 1) > _SAME for other in found):
            found.append(slope)
    return found


def _widths(row: Float, time: Float, period: float, known: _Known) -> set[float]:
    """Widths of noise to begin with: that of the ticks, and what the steps show with many losses or none."""
    steps = np.diff(time) - np.diff(row) * period
    apart = np.quantile(np.abs(steps - np.median(steps)), [quantile for quantile, _ in _STEP_WIDTHS])
    tick = min(known.tick_ns, known.unit * period)
    return {max(tick, factor * float(x)) for x, (_, factor) in zip(apart, _STEP_WIDTHS, strict=True)} | {
        tick,
        0.5 * tick,
    }


def _refined(row: Float, time: Float, fit: _Fit, known: _Known) -> _Fit:
    """The best of a few fits, each with the jumps that the one before it shows."""
    fits = []
    for _ in range(_REFINEMENTS):
        fits.append(_refit(row, time, fit, known))
        if fits[-1] == fit:
            break
        fit = fits[-1]
    return min(fits, key=lambda each: each.cost)


def _refit(row: Float, time: Float, fit: _Fit, known: _Known) -> _Fit:
    """One regression over all runs between steps that noise does not explain."""
    period = fit.period_ns
    steps = np.diff(time) - np.diff(row) * period
    jumps = np.flatnonzero(np.abs(steps) > max(0.5 * period, _OF_TWO * fit.spread_ns) + _MARGIN * period)
    row, edges = _with_losses(row, steps, jumps, fit, known.frame)
    number = np.zeros(len(row), dtype=np.int64)
    number[edges + 1] = 1
    number = np.cumsum(number)
    count = np.bincount(number)
    x = row - (np.bincount(number, row) / count)[number]
    y = time - row * period
    y = y - (np.bincount(number, y) / count)[number]
    square = float(x @ x)
    if square <= 0:
        return replace(fit, uncertainty=1.0)
    slope = float(x @ y) / square
    if slope <= -period:
        return replace(fit, uncertainty=1.0)
    rest = y - slope * x
    freedom = len(row) - len(count) - 1
    error = np.sqrt(float(rest @ rest) / freedom / square) if freedom > 0 else period
    low, high = np.quantile(rest, _WIDTH)
    spread = _at_least_ticks(_WIDTH_MARGIN * float(high - low), known.tick_ns, period)
    firsts = np.concatenate([[0], edges + 1])
    lasts = np.concatenate([edges, [len(row) - 1]])
    span = float(np.max(row[lasts] - row[firsts])) * period
    unclear = len(edges)
    least = max(spread, _FINE * period)
    if known.is_decimal or _is_regular(jumps):
        # Noise narrower than a tick is no better: 890 Hz in whole ms looks like 1000 Hz with regular losses.
        least = max(least, _OF_TICK * min(known.tick_ns, known.unit * period))
    cost = len(row) * np.log(least / period) + _JUMP_COST * (len(jumps) - unclear)
    cost += _UNCLEAR_COST * unclear
    if 3 * freedom < len(row) - 1:  # so many runs leave nothing to fit
        cost += _UNCLEAR_COST * len(row)
    return _Fit(period + slope, spread, _SIGMAS * error / period, span, float(cost))


def _is_regular(jumps: npt.NDArray[np.int64]) -> bool:
    """Whether jumps follow each other like the beats of two rates; losses do not."""
    return len(jumps) >= _MANY_JUMPS and int(np.ptp(np.diff(jumps))) <= 2


def _at_least_ticks(spread: float, tick: float, period: float) -> float:
    """Noise of stamps that are cut to ticks: a tick, or half of it while samples keep step with ticks."""
    cut = min(tick, period)
    return max(spread, cut if spread > 0.2 * cut else 0.5 * cut)


class _Counted(NamedTuple):
    """Sample indices of the stamps, and the jumps that no loss explains."""

    row: Float
    edges: npt.NDArray[np.int64]


def _with_losses(row: Float, steps: Float, jumps: npt.NDArray[np.int64], fit: _Fit, frame: int) -> _Counted:
    """Rows with clear losses counted, and the jumps that stay: one long run is worth many short ones."""
    unit = frame if fit.spread_ns > _CLEAR * fit.period_ns else 1
    lost = steps[jumps] / (unit * fit.period_ns)
    whole = np.rint(lost)
    # A loss is clear only while the error of the slope over all of it is small against what is counted.
    unsure = np.abs(whole) * min(fit.uncertainty, 1.0)
    clear = (whole > 0) & (np.abs(lost - whole) < _CLEAR) & (unsure < _CLEAR)
    clear &= fit.spread_ns < _NARROW * unit * fit.period_ns  # wider noise comes near to any whole number
    whole *= unit
    counted = row.copy()
    counted[1:] += np.cumsum(np.bincount(jumps[clear], whole[clear], minlength=len(steps)))
    return _Counted(counted, jumps[~clear])


class _Tick(NamedTuple):
    size_ns: float
    is_decimal: bool


def _tick(seen: Observations, unit: int) -> _Tick:
    """Resolution of the stamps in ns: a power of ten that divides most steps, or what divides all."""
    steps, tick = np.diff(seen.time_ns), 1
    while tick < _LONGEST_TICK_NS and np.mean(steps % (10 * tick) != 0) < _RARE:
        tick *= 10
    # What divides the steps between frames is the length of a frame.
    whole = int(np.gcd.reduce(steps)) if unit == 1 else 1
    return _Tick(float(whole), False) if tick < whole < _LONGEST_TICK_NS else _Tick(float(tick), True)


class _Sizes(NamedTuple):
    size: int
    unit: int


def _frame(seen: Observations) -> _Sizes:
    sizes = np.diff(seen.start)
    size = int(np.median(sizes))
    values, counts = np.unique(sizes, return_counts=True)
    usual = values[counts >= _RARER * len(sizes)]
    constant = size > 1 and np.mean(sizes == size) >= _FRAME_SHARE
    return _Sizes(size if constant else 1, int(np.gcd.reduce(usual)) if len(usual) else 1)
