"""A stretch of ECG on its paper: grid, calibration pulse, trace, beats, and what was not analysed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from ecgedge.events import Beat
from ecgedge.report.drawing import svg
from ecgedge.report.drawing.axes import time_ticks
from ecgedge.report.drawing.scale import (
    CALIBRATION_MM,
    GAIN_MM_MV,
    LARGE_MM,
    ROW_S,
    SMALL_MM,
    SPEED_MM_S,
    row_seconds,
)
from ecgedge.report.drawing.trace import finite_runs, runs_of, shown_points

__all__ = ["Stretch", "baseline_mv", "paper_mm", "rows", "strip"]

Float = npt.NDArray[np.float64]

_HEAD_MM, _RAIL_MM, _AXIS_MM = 4.5, 4.0, 4.5  # above the paper: words, beats; below it: time
# The paper is as high as the signal asks for, between these, in large squares. 2.5 mV holds nearly every R
# wave of one lead; what goes beyond is an artefact, and marked where it is cut.
_LEAST_UP_MM, _LEAST_DOWN_MM, _MOST_MM = 15.0, 10.0, 25.0
_PULSE_S = 0.2
_WORD_NEEDS_MM = 17.0
_HATCH_MM = 2.5

Spans = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a row of paper holds, and where a time and a voltage lie on it.

    Times are seconds of the recording; ``clock`` is the time of its first sample, where it is known.
    """

    start_s: float
    seconds: float
    up_mm: float
    down_mm: float
    top_mm: float
    baseline_mv: float
    gain_mm_mv: float = GAIN_MM_MV
    speed_mm_s: float = SPEED_MM_S
    clock: datetime | None = None

    @property
    def left_mm(self) -> float:
        """Where the trace begins."""
        return max(CALIBRATION_MM, _PULSE_S * self.speed_mm_s + LARGE_MM)

    @property
    def right_mm(self) -> float:
        """Where the paper ends."""
        return self.left_mm + self.seconds * self.speed_mm_s

    @property
    def bottom_mm(self) -> float:
        """The paper's lower edge."""
        return self.top_mm + self.up_mm + self.down_mm

    def x(self, time_s: float) -> float:
        """Return the place of a time, kept on the paper."""
        return min(max(self.left_mm + (time_s - self.start_s) * self.speed_mm_s, self.left_mm), self.right_mm)

    def y(self, mv: Float) -> Float:
        """Return the places of voltages, kept on the paper."""
        mm = (mv - self.baseline_mv) * self.gain_mm_mv
        return self.top_mm + self.up_mm - np.clip(mm, -self.down_mm, self.up_mm)

    def holds(self, time_s: float) -> bool:
        """Whether a time lies on this row."""
        return self.start_s <= time_s < self.start_s + self.seconds


def strip(
    mv: npt.ArrayLike, fs: float, *, start_s: float = 0.0, seconds: float = 10.0, beats: Sequence[Beat] = (),
    refused: Spans = (), label: str = "", clock: datetime | None = None, gain_mm_mv: float = GAIN_MM_MV,
    speed_mm_s: float = SPEED_MM_S, height_mm: tuple[float, float] | None = None, head: bool = True,
) -> str:  # fmt: skip
    """Draw a row of ECG paper, as long as it takes; :func:`rows` wraps it to the width of a page.

    Parameters
    ----------
    mv : array, shape (n,)
        The stretch alone, in mV: its first sample lies at ``start_s``. NaN where samples are missing.
    fs : float
        Rate in Hz.
    start_s, seconds : float
        The stretch, in seconds of the recording.
    beats : sequence of Beat
        Of the whole recording or of the stretch: those that lie on the row are marked by their class, a dot
        for N, a letter for others.
    refused : sequence of (start, end)
        Stretches that were not analysed, in seconds of the recording: hatched.
    label : str
        Stands above the paper.
    clock : datetime, optional
        Time of the recording's first sample: the axis tells the time of day.
    gain_mm_mv, speed_mm_s : float
        The scale.
    height_mm : (up, down), optional
        Paper above and below the baseline, which is the median; default: what the signal needs.
    head : bool
        Whether label and scale stand above the paper.

    Returns
    -------
    str
        An ``<svg>`` in millimetres.

    Raises
    ------
    ValueError
        An impossible rate, length or scale.

    Examples
    --------
    >>> drawn = strip(np.zeros(1300), 130.0, seconds=10.0, label="10 s of nothing")
    >>> drawn.startswith('<svg class="ecg"'), 'width="260mm"' in drawn
    (True, True)
    """
    if not (fs > 0 and seconds > 0 and gain_mm_mv > 0 and speed_mm_s > 0):
        raise ValueError("fs, seconds, gain and speed of a strip are above 0")
    values = np.asarray(mv, np.float64).ravel()[: int(np.ceil(seconds * fs - 1e-6))]
    baseline = baseline_mv(values)
    up, down = height_mm or paper_mm(values - baseline, gain_mm_mv)
    top = (_HEAD_MM if head else 0.0) + _RAIL_MM
    on = Stretch(start_s, seconds, up, down, top, baseline, gain_mm_mv, speed_mm_s, clock)
    inside = [
        svg.rectangle(0, on.top_mm, on.right_mm, up + down, "paper"),
        _grid(on, SMALL_MM, "fine", 0.1),
        _grid(on, LARGE_MM, "strong", 0.16),
        *_missing(values, fs, on),
        *(part for start, end in refused for part in _hatched(start, end, on)),
        _pulse(on),
        *_trace(values, fs, on),
        *(_beat(beat, on) for beat in beats if on.holds(beat.time_s)),
        *_axis(on),
        *(_head(label, on) if head else ()),
    ]
    return svg.drawing(on.right_mm, on.bottom_mm + _AXIS_MM, _told(label, on), *inside)


def rows(
    mv: npt.ArrayLike, fs: float, *, start_s: float = 0.0, beats: Sequence[Beat] = (), refused: Spans = (),
    label: str = "", clock: datetime | None = None, row_s: float | None = None,
    gain_mm_mv: float = GAIN_MM_MV, speed_mm_s: float = SPEED_MM_S,
) -> str:  # fmt: skip
    """Draw a stretch of any length on rows of equal height, wrapped to the width of a page.

    Parameters
    ----------
    mv, fs, start_s, beats, refused, label, clock, gain_mm_mv, speed_mm_s
        As :func:`strip` takes them.
    row_s : float, optional
        Seconds in a row; default: even rows that fit on A4, two of 5 s for 10 s.

    Returns
    -------
    str
        A ``<div class="ecg-drawing">`` with an ``<svg>`` for each row.

    Examples
    --------
    >>> rows(np.zeros(1300), 130.0).count("<svg")
    2
    """
    values = np.asarray(mv, np.float64).ravel()
    if not (fs > 0 and len(values) and (row_s is None or row_s > 0)):
        raise ValueError("rows of paper take samples, a rate and a length above 0")
    seconds = row_s or row_seconds(len(values) / fs, ROW_S * SPEED_MM_S / speed_mm_s)
    cut = [round(at * seconds * fs) for at in range(int(np.ceil(len(values) / fs / seconds - 1e-6)))]
    parts = [values[a:b] for a, b in zip(cut, [*cut[1:], len(values)], strict=True)]
    heights = [paper_mm(part - baseline_mv(part), gain_mm_mv) for part in parts]
    height = max(up for up, _ in heights), max(down for _, down in heights)
    drawn = [
        strip(
            part, fs, start_s=start_s + first / fs, beats=beats, refused=refused,
            seconds=min(seconds, len(part) / fs), label=label, clock=clock, gain_mm_mv=gain_mm_mv,
            speed_mm_s=speed_mm_s, height_mm=height, head=first == 0,
        )
        for first, part in zip(cut, parts, strict=True)
    ]  # fmt: skip
    return svg.scrolling(*drawn)


def baseline_mv(values: Float) -> float:
    """Return the median of what is there: the isoelectric line, more or less."""
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else 0.0


def paper_mm(from_baseline: Float, gain: float = GAIN_MM_MV) -> tuple[float, float]:
    """Return the millimetres of paper that a signal needs above and below its baseline."""
    finite = from_baseline[np.isfinite(from_baseline)]
    high, low = (float(finite.max()), float(finite.min())) if len(finite) else (0.0, 0.0)
    pulse = _squares(gain)
    up = min(max(_squares(high * gain), _LEAST_UP_MM, pulse), max(_MOST_MM, pulse))
    return up, min(max(_squares(-low * gain), _LEAST_DOWN_MM), _MOST_MM)


def _squares(mm: float) -> float:
    """Millimetres of paper in whole large squares that hold so many."""
    return math.ceil((mm + SMALL_MM) / LARGE_MM) * LARGE_MM


def _told(label: str, on: Stretch) -> str:
    words = f"{on.seconds:g} s of ECG, {on.speed_mm_s:g} mm/s, {on.gain_mm_mv:g} mm/mV"
    return f"{label}: {words}" if label else words


def _grid(on: Stretch, step: float, colour: str, width: float) -> str:
    """One path for all lines. They are counted from where the trace begins, and from the baseline."""
    first, height = on.left_mm % step, on.up_mm + on.down_mm
    count = int((on.right_mm - first) / step + 1e-6) + 1
    up = f"m{svg.number(step)}-{svg.number(height)}v{svg.number(height)}"
    down = f"M{svg.at(first, on.top_mm)}v{svg.number(height)}{up * (count - 1)}"
    right, lines = svg.number(on.right_mm), int(height / step + 1e-6) + 1
    across = f"M{svg.at(0, on.top_mm)}h{right}" + f"m-{right} {svg.number(step)}h{right}" * (lines - 1)
    return svg.path(down + across, colour, width)


def _pulse(on: Stretch) -> str:
    """The calibration pulse: 1 mV for 0.2 s."""
    wide, high = svg.number(_PULSE_S * on.speed_mm_s), svg.number(on.gain_mm_mv)
    steps = f"M{svg.at(2, on.top_mm + on.up_mm)}h1v-{high}h{wide}v{high}h1"
    return svg.path(steps, "trace", 0.25, stroke_linejoin="round")


def _trace(values: Float, fs: float, on: Stretch) -> Iterator[str]:
    y, steps = on.y(values), []
    for start, end in finite_runs(values):
        shown = start + shown_points(values[start:end], on.speed_mm_s / fs)
        x = on.left_mm + shown / fs * on.speed_mm_s
        steps.append(svg.polyline(zip(x.tolist(), y[shown].tolist(), strict=True)))
    if steps:
        yield svg.path("".join(steps), "trace", 0.25, stroke_linejoin="round", stroke_linecap="round")
    yield from _cuts(values, fs, on)


def _cuts(values: Float, fs: float, on: Stretch) -> Iterator[str]:
    """Where the signal leaves the paper: a triangle at the edge, and the word at the first."""
    mm = np.nan_to_num((values - on.baseline_mv) * on.gain_mm_mv)
    for beyond, edge, turn in ((mm > on.up_mm, on.top_mm, 1), (mm < -on.down_mm, on.bottom_mm, -1)):
        last = -np.inf
        for start, end in runs_of(beyond):
            x = on.left_mm + (start + end) / 2 / fs * on.speed_mm_s
            if x - last < 3:
                continue
            steps = f"M{svg.at(x - 0.9, edge + turn * 1.6)}h1.8l-.9 {-1.4 * turn:g}z"
            yield svg.path(steps, "beat-V")
            if last == -np.inf:
                yield svg.text(x + 1.3, edge + (2.4 if turn > 0 else -0.6), "cut", colour="beat-V", size=2.2)
            last = x


def _beat(beat: Beat, on: Stretch) -> str:
    """The class of a beat, above its R peak: a dot for a normal one, a letter else, ? where it has none."""
    x, y = on.x(beat.time_s), on.top_mm - 1.0
    if beat.symbol == "N":
        return svg.circle(x, y - 0.5, 0.5, "beat-N")
    colour = f"beat-{beat.symbol}" if beat.symbol in ("S", "V", "F") else "beat-Q"
    return svg.text(x, y, beat.symbol or "?", colour=colour, anchor="middle", size=3.2, bold=True)


def _missing(values: Float, fs: float, on: Stretch) -> Iterator[str]:
    """Where there are no samples: grey, so that a break is no flat line; up to the end of the row too."""
    padded = np.pad(values, (0, max(round(on.seconds * fs) - len(values), 0)), constant_values=np.nan)
    for start, end in runs_of(~np.isfinite(padded)):
        left, right = on.x(on.start_s + start / fs), on.x(on.start_s + end / fs)
        yield svg.rectangle(left, on.top_mm, right - left, on.bottom_mm - on.top_mm, "lost")
        yield from _words((left + right) / 2, right - left, "no signal", on)


def _hatched(start_s: float, end_s: float, on: Stretch) -> Iterator[str]:
    left, right = on.x(start_s), on.x(end_s)
    if right - left < 0.01:
        return
    top, height, steps = on.top_mm, on.bottom_mm - on.top_mm, []
    for at in np.arange(np.floor((left - height) / _HATCH_MM) * _HATCH_MM, right, _HATCH_MM).tolist():
        begin, end = max(at, left), min(at + height, right)  # a line up and to the right, from (at, bottom)
        if end > begin:
            y = top + height - (begin - at)
            steps.append(f"M{svg.at(begin, y)}l{svg.at(end - begin, begin - end)}")
    yield svg.path("".join(steps), "hatch", 0.1)
    yield svg.path(
        f"M{svg.at(left, top)}h{svg.number(right - left)}v{svg.number(height)}h{svg.number(left - right)}z",
        "hatch",
        0.2,
    )
    yield from _words((left + right) / 2, right - left, "not analysed", on)


def _words(x: float, room: float, words: str, on: Stretch) -> Iterator[str]:
    if room > _WORD_NEEDS_MM:
        yield svg.rectangle(x - _WORD_NEEDS_MM / 2, on.bottom_mm - 3.6, _WORD_NEEDS_MM, 3.4, "paper")
        yield svg.text(x, on.bottom_mm - 1.2, words, colour="faint", anchor="middle", size=2.4)


def _axis(on: Stretch) -> Iterator[str]:
    ticks = time_ticks(on.start_s, on.start_s + on.seconds, on.clock, step_s=1.0)
    at = on.bottom_mm
    steps = "".join(f"M{svg.at(on.x(tick.time_s), at)}v1.2" for tick in ticks)
    if steps:
        yield svg.path(steps, "axis", 0.2)
    for tick in ticks:
        if on.x(tick.time_s) < on.right_mm - 5:  # its words would leave the paper
            yield svg.text(on.x(tick.time_s), at + 3.8, tick.label, colour="faint", anchor="middle", size=2.4)


def _head(label: str, on: Stretch) -> Iterator[str]:
    scale = f"{on.speed_mm_s:g} mm/s · {on.gain_mm_mv:g} mm/mV"
    yield svg.text(0, 3.2, label, bold=True) if label else ""
    yield svg.text(on.right_mm, 3.2, scale, colour="faint", anchor="end", size=2.4)
