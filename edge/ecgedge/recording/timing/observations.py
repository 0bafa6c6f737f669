"""Which stamps carry information: one for each run of rows that share a stamp, or that came in one burst."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Grouping", "Observations", "find_grouping", "observe"]

Int64 = npt.NDArray[np.int64]

# A burst is a frame whose rows were stamped while they were printed. Its inner steps are at most a tenth of
# the step to the next frame (printing takes microseconds, a frame lasts 0.1 s and more), and only a file with
# several bursts shows the pattern: one long gap alone would look the same.
_BURST_RATIO = 10.0
_MIN_BURSTS = 8
_SHORT = 0.5  # of the time to the next burst is all that a burst lasts
_STEADY, _MOSTLY = (
    0.2,
    0.5,
)  # most bursts bring as many rows as their time asks for, the rest beside lost ones
_MIN_BURST_ROWS = 4


@dataclass(frozen=True, slots=True)
class Grouping:
    """How rows share stamps.

    ``within_ns`` is the largest step inside a group, 0 where rows either share a stamp exactly or have their
    own. ``last`` is True where the stamp of a group is the time of its last row.
    """

    within_ns: int = 0
    last: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """Stamps that carry information, each array of shape (k,).

    ``start`` is the first row of the group, ``row`` the row that the stamp belongs to, ``time_ns`` the stamp.
    ``rows`` counts the rows that are covered: those of a group that may go on are not.
    """

    start: Int64
    row: Int64
    time_ns: Int64
    rows: int

    def __len__(self) -> int:
        return len(self.row)

    def without_first(self) -> Observations:
        """Give all observations but the first."""
        return Observations(self.start[1:], self.row[1:], self.time_ns[1:], self.rows)

    def first(self, count: int) -> Observations:
        """Give the first observations."""
        rows = int(self.start[count]) if count < len(self) else self.rows
        return Observations(self.start[:count], self.row[:count], self.time_ns[:count], rows)


def observe(
    time_ns: Int64, grouping: Grouping, *, before_ns: int | None = None, whole: bool = False
) -> Observations:
    """Take one stamp for each group of rows.

    The first row of a group is the best place for a stamp that was cut to whole ticks: its true time
    lies less than one sample behind the tick. For frames that are stamped with the time of their last
    sample it is the last row.

    Parameters
    ----------
    time_ns : ndarray of int64, shape (n,)
        A stamp for each row.
    grouping : Grouping
        How rows share stamps.
    before_ns : int, optional
        Stamp of the row before the first.
    whole : bool
        The last group is complete, since the recording ends there.

    Examples
    --------
    >>> observe(np.array([0, 0, 0, 9, 9]), Grouping()).row.tolist()
    [0, 3]
    >>> observe(np.array([0, 0, 0, 9, 9]), Grouping(last=True), whole=True).row.tolist()
    [2, 4]
    """
    steps = np.diff(time_ns)
    begins = np.flatnonzero((steps > grouping.within_ns) | (steps < 0)) + 1
    if before_ns is None or not 0 <= int(time_ns[0]) - before_ns <= grouping.within_ns:
        begins = np.concatenate([[0], begins])
    if not len(begins):
        return Observations(begins, begins, begins, 0 if grouping.last else len(time_ns))
    if not grouping.last:
        return Observations(begins, begins, time_ns[begins], len(time_ns))
    # A group that may go on has no last row yet.
    ends = np.append(begins[1:], len(time_ns)) - 1
    kept = len(begins) if whole else len(begins) - 1
    rows = len(time_ns) if whole else int(begins[-1])
    return Observations(begins[:kept], ends[:kept], time_ns[begins[:kept]], rows)


def burst_step(time_ns: Int64) -> int:
    """Largest step inside a burst, in ns; 0 where rows do not come in bursts.

    Examples
    --------
    >>> frames = np.repeat(np.arange(9) * 500_000_000, 60) + np.tile(np.arange(60) * 20_000, 9)
    >>> 20_000 <= burst_step(frames) < 400_000_000
    True
    >>> burst_step(np.arange(500) * 7_692_308)
    0
    """
    steps = np.sort(np.diff(time_ns).astype(np.float64))
    steps = steps[steps > 0]
    if len(steps) < _MIN_BURSTS * _MIN_BURST_ROWS:
        return 0
    upper = steps[len(steps) // 2 :]
    ratios = upper[1:] / upper[:-1]
    at = int(np.argmax(ratios))
    long_steps = len(upper) - 1 - at
    if ratios[at] < _BURST_RATIO or long_steps < _MIN_BURSTS:
        return 0
    within = int(np.sqrt(upper[at] * upper[at + 1]))
    return within if _is_burst(time_ns, observe(time_ns, Grouping(within)).start) else 0


def _is_burst(time_ns: Int64, start: Int64) -> bool:
    """Whether groups of rows last but a part of the time to the next group, at a steady rate.

    Runs between random losses last longer than most losses do, and their lengths follow no rate.
    """
    rows = np.diff(start)
    if len(rows) < _MIN_BURSTS or np.median(rows) < _MIN_BURST_ROWS:
        return False
    period = np.diff(time_ns[start])
    if np.any(period == 0) or np.median(period) <= 0:
        return False
    inside = time_ns[start[1:] - 1] - time_ns[start[:-1]]
    slope = period / rows
    steady = np.abs(slope / np.median(slope) - 1) < _STEADY
    return bool(np.median(inside / period) < _SHORT and np.mean(steady) > _MOSTLY)


def find_grouping(time_ns: Int64) -> Grouping:
    """Find how the rows of a recording share stamps, from its first rows."""
    within = burst_step(time_ns)
    first = observe(time_ns, Grouping(within))
    last = observe(time_ns, Grouping(within, last=True))
    return Grouping(within, _scatter(last) < 0.5 * _scatter(first.first(len(last))))


def _scatter(seen: Observations) -> float:
    """How much the time per row changes from one group to the next, relative to it."""
    if len(seen) < _MIN_BURSTS:
        return 0.0
    slopes = np.diff(seen.time_ns) / np.diff(seen.row)
    middle = float(np.median(slopes))
    return float(np.mean(np.minimum(np.abs(slopes / middle - 1), 1.0))) if middle > 0 else 0.0
