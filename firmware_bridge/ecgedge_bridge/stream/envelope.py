"""The lower envelope of arrival delays: what is left of them when stalls and queues are taken away. Pure."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Float64s = npt.NDArray[np.float64]
Point = tuple[float, float]

BUCKET_S = 10.0
_FIT_BUCKETS = 12  # 120 s
_DRIFT_BUCKETS = 360  # an hour: the longer, the finer the drift
KNOTS = 8640  # 24 h; what is older is carried on from the oldest that is kept


class Line(NamedTuple):
    """A line through a point."""

    point: Point
    slope: float


class Envelope:
    """Lower envelope of the delay (arrival minus device time) over device time."""

    def __init__(self) -> None:
        self._low: deque[Point] = deque(maxlen=_DRIFT_BUCKETS)
        self._open: Point | None = None
        self._open_until_s = -math.inf
        self._knots: deque[Point] = deque(maxlen=KNOTS)
        self._line = Line((0.0, 0.0), 0.0)

    @property
    def long_slope(self) -> float | None:
        """Change of the delay per device second, over the last hour; None while there are not two points."""
        return _line_below(list(self._low)).slope if len(self._low) > 1 else None

    def add(self, at_s: float, delay_s: float) -> bool:
        """Take one arrival; True if it begins a new bucket."""
        begins = self._open is None or at_s >= self._open_until_s
        if begins:
            self._close_bucket()
            self._open, self._open_until_s = (at_s, delay_s), at_s + BUCKET_S
        elif self._open is not None and delay_s < self._open[1]:
            self._open = (at_s, delay_s)
        if not self._low and self._open is not None:
            self._line = Line(self._open, 0.0)
        return begins

    def _close_bucket(self) -> None:
        if self._open is None:
            return
        self._low.append(self._open)
        self._fit()
        if len(self._low) < _FIT_BUCKETS:
            return
        recent = self._recent()
        middle_s = (recent[0][0] + recent[-1][0]) / 2
        if not self._knots:
            self._knots.append((recent[0][0], self.delay_s(recent[0][0])))
        self._knots.append((middle_s, self.delay_s(middle_s)))

    def _recent(self) -> list[Point]:
        return list(islice(self._low, max(0, len(self._low) - _FIT_BUCKETS), None))

    def _fit(self) -> None:
        self._line = _line_below(self._recent())

    def delay_s(self, at_s: float) -> float:
        """Delay of the current line at a device time."""
        (x, y), slope = self._line
        return y + slope * (at_s - x)

    def delays_s(self, at_s: Float64s) -> Float64s:
        """Delay at device times: along the lines of their own time, from the newest of these on the line."""
        (x, y), slope = self._line
        now = y + slope * (at_s - x)
        if not self._knots:
            return now
        knots = np.array(self._knots)
        past = np.interp(at_s, knots[:, 0], knots[:, 1])
        return np.where(at_s >= knots[-1, 0], now, past)

    def is_raised(self, limit_s: float) -> bool:
        """Whether all of the last two buckets came later than the buckets before them allow."""
        points = self._recent()
        if len(points) < 4:
            return False
        (x, y), slope = _line_below(points[:-2])
        return all(delay - y - slope * (at - x) > limit_s for at, delay in points[-2:])

    def split(self) -> Envelope:
        """Move the last two buckets, and the open one, to an envelope of their own."""
        later = Envelope()
        later._low.extend([self._low[-2], self._low[-1]])
        later._open, later._open_until_s = self._open, self._open_until_s
        later._fit()
        self._low.pop()
        self._low.pop()
        self._fit()
        return later


def _line_below(points: Sequence[Point]) -> Line:
    """Find the line under all points that is nearest to them: an edge of their hull, below their mean."""
    hull: list[Point] = []
    for point in points:
        while len(hull) > 1 and _slope(hull[-2], hull[-1]) >= _slope(hull[-1], point):
            hull.pop()
        hull.append(point)
    if len(hull) < 2:
        return Line(hull[0], 0.0)
    mean_s = sum(at for at, _ in points) / len(points)
    right = min(max(bisect_left(hull, (mean_s, -math.inf)), 1), len(hull) - 1)
    return Line(hull[right], _slope(hull[right - 1], hull[right]))


def _slope(a: Point, b: Point) -> float:
    return (b[1] - a[1]) / (b[0] - a[0])
