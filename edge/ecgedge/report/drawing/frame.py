"""The frame of a chart: where a time and a value lie, the lines between, the words around."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, TypeVar

import numpy as np
import numpy.typing as npt

from ecgedge.report.drawing import svg
from ecgedge.report.drawing.axes import time_ticks
from ecgedge.report.drawing.scale import PAGE_MM

__all__ = ["Frame"]

Place = TypeVar("Place", float, npt.NDArray[np.float64])
_BELOW_MM = 5.0
_HALF_LABEL_MM = 5.0  # of a time such as 00:00:00


@dataclass(frozen=True, slots=True)
class Frame:
    """A chart from ``start_s`` to ``end_s`` and from ``low`` to ``high``; sizes in millimetres."""

    start_s: float
    end_s: float
    low: float
    high: float
    height_mm: float = 40.0
    left_mm: float = 34.0  # names of rhythms: charts below each other share one axis of time
    right_mm: float = PAGE_MM
    top_mm: float = 6.0
    room_mm: float = 0.0  # right of the frame, for half of the last number

    WIDTH_MM: ClassVar[float] = PAGE_MM

    @property
    def bottom_mm(self) -> float:
        """The lower edge."""
        return self.top_mm + self.height_mm

    def x(self, time_s: Place) -> Place:
        """Return the place of a time, kept in the frame."""
        share = (time_s - self.start_s) / max(self.end_s - self.start_s, 1e-9)
        place: Place = self.left_mm + np.clip(share, 0.0, 1.0) * (self.right_mm - self.left_mm)
        return place

    def y(self, value: Place) -> Place:
        """Return the place of a value."""
        return self.bottom_mm - (value - self.low) / max(self.high - self.low, 1e-9) * self.height_mm

    @property
    def _mm_s(self) -> float:
        return (self.right_mm - self.left_mm) / max(self.end_s - self.start_s, 1e-9)

    def drawing(self, label: str, *inside: str, below_mm: float = 0.0) -> str:
        """Write the whole chart."""
        heading = svg.text(0, 3.2, label, bold=True)
        height = self.bottom_mm + _BELOW_MM + below_mm
        return svg.drawing(self.right_mm + self.room_mm, height, label, heading, *inside)

    def across(self, values: Sequence[float], unit: str) -> str:
        """Write a line and a number for each value; the unit stands behind the highest."""
        lines = "".join(
            f"M{svg.at(self.left_mm, self.y(value))}H{svg.number(self.right_mm)}" for value in values
        )
        words = [
            svg.text(
                self.left_mm - 1.2, self.y(value) + 0.9, f"{value:g}", colour="faint", anchor="end", size=2.4
            )
            for value in values
        ]
        # Above the highest number, where the heading has left room.
        named = svg.text(self.right_mm, 3.2, unit, colour="faint", anchor="end", size=2.4) if unit else ""
        return svg.path(lines, "rule", 0.15) + "".join(words) + named

    def times(self, clock: datetime | None, *, grid: bool = False) -> str:
        """Write the axis of time, with lines through the chart if asked."""
        ticks = time_ticks(self.start_s, self.end_s, clock)
        height = self.height_mm if grid else 0.0
        steps = "".join(
            f"M{svg.at(self.x(tick.time_s), self.bottom_mm - height)}v{svg.number(height + 1)}"
            for tick in ticks
        )
        base = f"M{svg.at(self.left_mm, self.bottom_mm)}H{svg.number(self.right_mm)}"
        words = []
        for tick in ticks:
            x, y, end = self.x(tick.time_s), self.bottom_mm + 3.8, "middle"
            if x > self.right_mm - _HALF_LABEL_MM:  # it ends at the edge, where the one before leaves room
                near = len(ticks) > 1 and (tick.time_s - ticks[-2].time_s) * self._mm_s < 3 * _HALF_LABEL_MM
                if near:
                    continue
                end = "end"
            words.append(svg.text(x, y, tick.label, colour="faint", anchor=end, size=2.4))
        lines = svg.path(steps, "rule" if grid else "axis", 0.15) if steps else ""
        return lines + svg.path(base, "axis", 0.2) + "".join(words)
