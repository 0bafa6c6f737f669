"""Charts over time: heart rate, rhythms, counts by the hour.

All of them take a whole day as well as a minute: what lies in one column of :data:`_COLUMN_MM` is one mark.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.report.drawing import svg
from ecgedge.report.drawing.axes import nice_step, values_upto
from ecgedge.report.drawing.frame import Frame
from ecgedge.report.drawing.trace import runs_of

__all__ = ["KINDS", "Minute", "Span", "bars", "timeline", "trend"]

_COLUMN_MM = 0.3
_LANE_MM = 6.0
_LEAST_BPM = 40.0, 100.0  # the axis of a trend holds these, so that a calm heart looks calm

# The rows of a timeline in their order: kind, name, colour. The first four are labels of the rhythm model.
KINDS = {
    "N": ("sinus rhythm", "rhythm-N"),
    "A": ("atrial fibrillation", "rhythm-A"),
    "O": ("another rhythm", "rhythm-O"),
    "~": ("too noisy to say", "rhythm-noise"),
    "unreadable": ("not analysed", "rhythm-noise"),
    "gap": ("no signal", "faint"),
}


class Minute(NamedTuple):
    """Heart rate of a minute (or of another stretch): slowest, mean and fastest; None where there is none."""

    time_s: float
    low_bpm: float | None
    mean_bpm: float | None
    high_bpm: float | None


class Span(NamedTuple):
    """A stretch of the recording and what it is: one of :data:`KINDS`."""

    start_s: float
    end_s: float
    kind: str


def trend(
    minutes: Sequence[Minute], *, seconds: float, clock: datetime | None = None,
    label: str = "Heart rate", step_s: float = 60.0, start_s: float = 0.0, height_mm: float = 42.0,
) -> str:  # fmt: skip
    """Draw the heart rate: its mean as a line, slowest to fastest as a band, both broken where there is none.

    Parameters
    ----------
    minutes : sequence of Minute
        In their order, each ``step_s`` long.
    seconds : float
        Length of the recording.
    clock : datetime, optional
        Time of the recording's first sample, for an axis by time of day.
    label : str
        Stands above the chart.
    start_s : float
        Where the chart begins, in seconds of the recording.

    Returns
    -------
    str
        An ``<svg>`` in millimetres.

    Examples
    --------
    >>> trend([Minute(0, 58, 61, 70), Minute(60, None, None, None)], seconds=120).count("<path")
    5
    """
    bins = _merged(minutes, seconds, step_s, start_s)
    known = bins[np.isfinite(bins).all(axis=1)]
    low = min(_LEAST_BPM[0], *known[:, 1]) if len(known) else _LEAST_BPM[0]
    high = max(_LEAST_BPM[1], *known[:, 3]) if len(known) else _LEAST_BPM[1]
    step = nice_step(high - low, 5)
    frame = Frame(
        start_s, start_s + seconds, math.floor(low / step) * step, math.ceil(high / step) * step,
        height_mm=height_mm,
    )  # fmt: skip
    band, line = [], []
    width = bins[1, 0] - bins[0, 0] if len(bins) > 1 else step_s
    for first, end in runs_of(np.isfinite(bins).all(axis=1)):
        part = bins[first:end]
        if len(part) == 1:  # as long as its minute, or it would be a dot
            part = np.repeat(part, 2, axis=0)
            part[:, 0] += (-width / 2, width / 2)
        x, low_y, mean_y, high_y = frame.x(part[:, 0]), *(frame.y(part[:, n]) for n in (1, 2, 3))
        edge = np.concatenate((x, x[::-1])), np.concatenate((high_y, low_y[::-1]))
        band.append(svg.polyline(zip(*(e.tolist() for e in edge), strict=True)) + "z")
        line.append(svg.polyline(zip(x.tolist(), mean_y.tolist(), strict=True)))
    return frame.drawing(
        label,
        frame.across(values_upto(frame.low, frame.high, step), "/min"),
        svg.path("".join(band), "band") if band else "",
        svg.path("".join(line), "line", 0.35, stroke_linejoin="round") if line else "",
        frame.times(clock),
    )


def _merged(
    minutes: Sequence[Minute], seconds: float, step_s: float, start_s: float
) -> npt.NDArray[np.float64]:
    """Rows of centre, lowest, mean and highest, as many as the paper has columns; NaN where there is none."""
    values = np.array([[np.nan if v is None else v for v in minute] for minute in minutes], np.float64)
    values = values.reshape(-1, 4)
    values[:, 0] += step_s / 2
    values = values[(values[:, 0] >= start_s) & (values[:, 0] <= start_s + seconds)]
    columns = int(Frame.WIDTH_MM / _COLUMN_MM)
    if len(values) <= columns:
        return values
    column = ((values[:, 0] - start_s) / seconds * columns).astype(int).clip(0, columns - 1)
    merged = np.full((columns, 4), np.nan)
    merged[:, 0] = start_s + (np.arange(columns) + 0.5) / columns * seconds
    for at in np.unique(column).tolist():
        inside = values[column == at]
        inside = inside[np.isfinite(inside).all(axis=1)]
        if len(inside):
            merged[at, 1:] = inside[:, 1].min(), inside[:, 2].mean(), inside[:, 3].max()
    return merged


def timeline(
    spans: Sequence[Span], *, seconds: float, clock: datetime | None = None, label: str = "Rhythm",
    start_s: float = 0.0, kinds: Sequence[str] | None = None,
) -> str:  # fmt: skip
    """Draw what the recording is when: a row for each kind that occurs.

    Parameters
    ----------
    spans : sequence of Span
        In any order. However short one is, it can be seen.
    seconds, clock, label, start_s
        As :func:`trend` takes them.
    kinds : sequence of str, optional
        Rows to draw although nothing may lie in them.

    Raises
    ------
    ValueError
        A kind that is none of :data:`KINDS`.

    Examples
    --------
    >>> "atrial fibrillation" in timeline([Span(0, 60, "N"), Span(60, 90, "A")], seconds=90)
    True
    """
    if unknown := {span.kind for span in spans} - set(KINDS):
        raise ValueError(f"a span is one of {', '.join(KINDS)}, not {', '.join(sorted(unknown))}")
    present = {*(span.kind for span in spans), *(kinds or ())}
    shown = [kind for kind in KINDS if kind in present]
    frame = Frame(
        start_s, start_s + seconds, 0.0, max(len(shown), 1), height_mm=_LANE_MM * max(len(shown), 1),
    )  # fmt: skip
    lanes = [_lane(frame, row, kind, spans) for row, kind in enumerate(shown)]
    return frame.drawing(label, frame.times(clock, grid=True), *lanes)


def _lane(frame: Frame, row: int, kind: str, spans: Sequence[Span]) -> str:
    name, colour = KINDS[kind]
    top = frame.top_mm + row * _LANE_MM
    edge = f"M{svg.at(0, top + _LANE_MM)}H{svg.number(frame.right_mm)}"
    columns = np.zeros(math.ceil((frame.right_mm - frame.left_mm) / _COLUMN_MM), bool)
    for span in spans:
        if span.kind == kind and span.end_s > frame.start_s and span.start_s < frame.end_s:
            first, end = ((x - frame.left_mm) / _COLUMN_MM for x in frame.x(np.array(span[:2])).tolist())
            columns[min(int(first + 1e-6), len(columns) - 1) : max(math.ceil(end - 1e-6), int(first) + 1)] = (
                True
            )
    high = svg.number(_LANE_MM - 2)
    steps = ""
    for first, end in runs_of(columns):
        left, right = (min(frame.left_mm + at * _COLUMN_MM, frame.right_mm) for at in (first, end))
        wide = svg.number(right - left)
        steps += f"M{svg.at(left, top + 1)}h{wide}v{high}h-{wide}z"
    return (
        svg.path(edge, "rule", 0.15)
        + svg.text(0, top + _LANE_MM / 2 + 1, name)
        + (svg.path(steps, colour) if steps else "")
    )


def bars(
    counts: Sequence[float | None], *, clock: datetime | None = None, label: str, unit: str = "",
    step_s: float = 3600.0, start_s: float = 0.0, height_mm: float = 30.0,
) -> str:  # fmt: skip
    """Draw a count for each hour, with the number above its bar; None where nothing could be counted.

    Parameters
    ----------
    counts : sequence of float or None
        One for each ``step_s``, from ``start_s`` on.
    clock, label, start_s
        As :func:`trend` takes them.
    unit : str
        What is counted, behind the highest number of the axis.

    Examples
    --------
    >>> bars([3, 0, None], label="VEB by the hour").count(">3<")
    2
    """
    most = max((count for count in counts if count is not None), default=0.0)
    step = max(nice_step(most, 3), 1.0)
    high = max(math.ceil(most / step), 1) * step
    frame = Frame(start_s, start_s + max(len(counts), 1) * step_s, 0.0, high, height_mm=height_mm)
    width = (frame.right_mm - frame.left_mm) / max(len(counts), 1)
    return frame.drawing(
        label,
        frame.across(values_upto(0.0, high, step), unit),
        *_bars(frame, counts, width),
        frame.times(clock),
    )


def _bars(frame: Frame, counts: Sequence[float | None], width: float) -> Iterator[str]:
    base = frame.bottom_mm
    for at, count in enumerate(counts):
        left = frame.left_mm + at * width
        if count is None:
            yield svg.rectangle(left, frame.top_mm, width, base - frame.top_mm, "lost")
            continue
        top = frame.y(count)
        if count > 0:
            yield svg.rectangle(
                left + width * 0.12, min(top, base - 0.3), width * 0.76, max(base - top, 0.3), "bar"
            )
        if width >= 5 and count > 0:
            yield svg.text(
                left + width / 2, top - 0.8, f"{count:.0f}", colour="faint", anchor="middle", size=2.2
            )
