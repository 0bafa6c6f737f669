"""ECG paper as a matplotlib figure, for people who have matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ecgedge.events import Beat, Event, Quality
from ecgedge.report.drawing.paper import baseline_mv, paper_mm
from ecgedge.report.drawing.scale import (
    GAIN_MM_MV,
    LARGE_MM,
    PAGE_MM,
    SMALL_MM,
    SPEED_MM_S,
    row_seconds,
)
from ecgedge.report.drawing.style import PAINTS
from ecgedge.stream.whole import Recorded, as_block
from ecgedge_bridge.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_strip"]

_MM_INCH = 25.4
_LEFT_MM, _RIGHT_MM, _BETWEEN_MM, _TOP_MM, _BOTTOM_MM = 12.0, 4.0, 10.0, 8.0, 10.0
_WORDS_S = 1.0  # takes the words "not analysed"
_MOST_S = 600.0  # 84 rows, 4 m of paper


def plot_strip(
    mv: npt.ArrayLike | Recorded,
    fs: float | None = None,
    events: Sequence[Event] = (),
    *,
    start_s: float = 0.0,
    seconds: float | None = None,
    row_s: float | None = None,
) -> list[Axes]:
    """Plot ECG on its paper, in rows: beats by their class, what the gate refused in grey.

    Millimetres of the figure are millimetres of paper: saved as PDF or SVG and printed without scaling, a
    second is 25 mm and a millivolt 10 mm.

    Parameters
    ----------
    mv : array, shape (n,), or Recording
        Signal in mV, NaN where samples are missing; or what :func:`ecgedge.load` gives.
    fs : float
        Rate in Hz; a Recording has its own.
    events : sequence of Event
        Of this signal: beats are marked, a dot for N, a letter for S, V, F and Q; windows that the gate
        refused are shaded. Others are left out.
    start_s, seconds : float
        The stretch to plot; default: all, but at most 600 s.
    row_s : float, optional
        Seconds in a row; default: even rows that fit on A4.

    Returns
    -------
    list of matplotlib.axes.Axes
        One for each row, in seconds and mV; ``axes[0].figure.savefig("strip.pdf")`` saves all.

    Raises
    ------
    ConfigError
        matplotlib is not installed, or the rate is impossible.
    ValueError
        There is nothing to plot, or more than 600 s.

    Examples
    --------
    >>> import numpy as np
    >>> axes = plot_strip(np.sin(np.arange(1300) / 20), fs=130)
    >>> len(axes), axes[0].get_xlabel(), axes[1].get_xlabel()
    (2, '', 's        25 mm/s, 10 mm/mV')
    """
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ConfigError("plot_strip takes matplotlib: pip install 'ecgedge[plot]'") from error
    signal = as_block(mv, fs)
    part, length = _stretch(signal.samples, signal.fs, start_s, seconds)
    row = row_s or row_seconds(length, (PAGE_MM - _LEFT_MM - _RIGHT_MM) / SPEED_MM_S)
    count = int(np.ceil(length / row - 1e-6))
    cut = [part[round(at * row * signal.fs) : round((at + 1) * row * signal.fs)] for at in range(count)]
    heights = [paper_mm(each - baseline_mv(each)) for each in cut]
    up, down = max(up for up, _ in heights), max(down for _, down in heights)
    wide = _LEFT_MM + row * SPEED_MM_S + _RIGHT_MM
    tall = _TOP_MM + count * (up + down + _BETWEEN_MM) - _BETWEEN_MM + _BOTTOM_MM
    figure = pyplot.figure(figsize=(wide / _MM_INCH, tall / _MM_INCH), facecolor="white")
    for at, each in enumerate(cut):
        bottom = tall - _TOP_MM - at * (up + down + _BETWEEN_MM) - up - down
        axes = figure.add_axes((_LEFT_MM / wide, bottom / tall, row * SPEED_MM_S / wide, (up + down) / tall))
        _paper(axes, start_s + at * row, row, baseline_mv(each), (up, down))
        time_s = start_s + at * row + np.arange(len(each)) / signal.fs
        axes.plot(time_s, each, color=PAINTS["trace"][1], linewidth=0.7, solid_joinstyle="round")
        _marks(axes, events)
    figure.axes[-1].set_xlabel(f"s        {SPEED_MM_S:g} mm/s, {GAIN_MM_MV:g} mm/mV", fontsize=7)
    return figure.axes


def _stretch(
    mv: npt.NDArray[np.float32], fs: float, start_s: float, seconds: float | None
) -> tuple[npt.NDArray[np.float64], float]:
    first = round(start_s * fs)
    part = mv[first:] if seconds is None else mv[first : first + round(seconds * fs)]
    length = len(part) / fs
    if not len(part) or start_s < 0:
        raise ValueError("there is no signal in this stretch: give another start_s or seconds")
    if length > _MOST_S:
        raise ValueError(f"{length:.0f} s are too many rows: give start_s and seconds, at most {_MOST_S:.0f}")
    return part.astype(np.float64), length


def _paper(axes: Axes, start_s: float, seconds: float, base: float, paper: tuple[float, float]) -> None:
    """Grid and axis; its lines are counted from the start of the row and from the baseline."""
    high, low = base + paper[0] / GAIN_MM_MV, base - paper[1] / GAIN_MM_MV
    axes.set_xlim(start_s, start_s + seconds)
    axes.set_ylim(low, high)
    axes.set_facecolor(PAINTS["paper"][1])
    for step, name, width in ((SMALL_MM, "fine", 0.3), (LARGE_MM, "strong", 0.45)):
        colour, above = PAINTS[name][1], np.arange(0, seconds * SPEED_MM_S + 1e-6, step) / SPEED_MM_S
        axes.vlines(start_s + above, low, high, colors=colour, linewidth=width, zorder=0.5)
        levels = low + np.arange(0, (high - low) * GAIN_MM_MV + 1e-6, step) / GAIN_MM_MV
        axes.hlines(levels, start_s, start_s + seconds, colors=colour, linewidth=width, zorder=0.5)
    axes.set_xticks(np.arange(np.ceil(start_s - 1e-9), start_s + seconds + 1e-9))
    whole = np.arange(np.ceil((low - base) - 1e-9), np.floor((high - base) + 1e-9) + 1)
    axes.set_yticks(base + whole, [f"{level:+.0f} mV" if level else "0" for level in whole])
    axes.tick_params(labelsize=7, length=2, colors=PAINTS["faint"][1])
    for spine in axes.spines.values():
        spine.set_visible(False)


def _marks(axes: Axes, events: Sequence[Event]) -> None:
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    for event in events:
        if isinstance(event, Beat) and left <= event.time_s < right:
            _beat(axes, event, high)
        if isinstance(event, Quality) and not event.accepted:
            begin, end = max(event.time_s, left), min(event.end_time_s, right)
            if begin < end:
                axes.axvspan(begin, end, color=PAINTS["hatch"][1], alpha=0.25, linewidth=0)
            if end - begin > _WORDS_S:
                middle = (begin + end) / 2, low + (high - low) * 0.02
                axes.annotate("not analysed", middle, ha="center", fontsize=7, color=PAINTS["faint"][1])


def _beat(axes: Axes, beat: Beat, top: float) -> None:
    letter = "•" if beat.symbol == "N" else beat.symbol or "?"
    name = f"beat-{beat.symbol}"
    axes.annotate(
        letter, (beat.time_s, top), xytext=(0, 1.5), textcoords="offset points", ha="center", va="bottom",
        fontsize=7 if letter == "•" else 8, color=PAINTS[name if name in PAINTS else "beat-Q"][1],
        weight="bold", annotation_clip=False,
    )  # fmt: skip
