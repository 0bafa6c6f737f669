"""Charts of intervals: each against the one before it, and how often each length occurs."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ecgedge.report.drawing import svg
from ecgedge.report.drawing.axes import nice_step, values_upto
from ecgedge.report.drawing.frame import Frame

__all__ = ["histogram", "poincare"]

_DOT_MM = 0.5
_SIDE_MM = 60.0
_NAME_MM = 4.0  # a second line of words below the axis
# Pairs in a cell: from, below, colour.
_SHADES = ((1, 3, "dot-few"), (3, 20, "dot-some"), (20, math.inf, "dot"))


def poincare(
    pairs_ms: npt.ArrayLike, *, sd1_ms: float | None = None, sd2_ms: float | None = None,
    label: str = "Poincaré plot",
) -> str:  # fmt: skip
    """Draw each NN interval against the one before it, and the ellipse of SD1 and SD2 about their mean.

    Parameters
    ----------
    pairs_ms : array, shape (n, 2)
        Neighbours: an interval in ms, and the next one.
    sd1_ms, sd2_ms : float, optional
        Half axes of the ellipse, across and along the diagonal; without both it is left out.
    label : str
        Stands above the chart.

    Returns
    -------
    str
        An ``<svg>`` in millimetres, of equal scale in both directions.

    Examples
    --------
    >>> "<ellipse" in poincare([[800, 820], [820, 790]], sd1_ms=18.0, sd2_ms=9.0)
    True
    """
    pairs = np.asarray(pairs_ms, np.float64).reshape(-1, 2)
    pairs = pairs[np.isfinite(pairs).all(axis=1)]
    low, high, step = _range(pairs)
    frame = Frame(
        low, high, low, high, height_mm=_SIDE_MM, left_mm=12.0, right_mm=12.0 + _SIDE_MM, room_mm=4.0
    )
    ticks = values_upto(low, high, step)
    diagonal = f"M{svg.at(frame.left_mm, frame.bottom_mm)}L{svg.at(frame.right_mm, frame.top_mm)}"
    return frame.drawing(
        label,
        frame.across(ticks, "next interval, ms"),
        svg.path(diagonal, "axis", 0.15, stroke_dasharray="1 1"),
        _dots(frame, pairs),
        _ellipse(frame, pairs, sd1_ms, sd2_ms) if len(pairs) and sd1_ms and sd2_ms else "",
        _below(frame, ticks, "interval, ms"),
        below_mm=_NAME_MM,
    )


def _range(pairs: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    if not len(pairs):
        return 400.0, 1200.0, 200.0
    low, high = float(pairs.min()), float(pairs.max())
    step = nice_step(max(high - low, 200.0), 5)
    return math.floor(low / step) * step, math.ceil((high + 1) / step) * step, step


def _dots(frame: Frame, pairs: npt.NDArray[np.float64]) -> str:
    """One square for all pairs of a cell: a day has 100,000 of them."""
    if not len(pairs):
        return ""
    x, y = frame.x(pairs[:, 0]) - frame.left_mm, frame.y(pairs[:, 1]) - frame.top_mm
    cells = (np.stack((x, y), axis=1) / _DOT_MM).astype(int)
    cells, counts = np.unique(cells, axis=0, return_counts=True)
    size = svg.number(_DOT_MM)
    square = f"h{size}v{size}h-{size}z"
    drawn = []
    for least, most, colour in _SHADES:
        chosen = cells[(counts >= least) & (counts < most)].tolist()
        places = (svg.at(frame.left_mm + a * _DOT_MM, frame.top_mm + b * _DOT_MM) for a, b in chosen)
        steps = "".join(f"M{place}{square}" for place in places)
        drawn.append(svg.path(steps, colour) if steps else "")
    return "".join(drawn)


def _ellipse(frame: Frame, pairs: npt.NDArray[np.float64], sd1_ms: float | None, sd2_ms: float | None) -> str:
    mm_per_ms = _SIDE_MM / (frame.high - frame.low)
    x, y = float(frame.x(float(pairs[:, 0].mean()))), float(frame.y(float(pairs[:, 1].mean())))
    along, across = (sd2_ms or 0) * mm_per_ms, (sd1_ms or 0) * mm_per_ms
    # Twice: within a light line it shows on dark dots.
    lines = (("halo", 1.0), ("mark", 0.4))
    return "".join(svg.ellipse(x, y, along, across, -45, colour, width) for colour, width in lines)


def _below(frame: Frame, ticks: list[float], words: str) -> str:
    """The axis below: numbers, and what they are at its end."""
    base = f"M{svg.at(frame.left_mm, frame.bottom_mm)}H{svg.number(frame.right_mm)}"
    placed = [(float(frame.x(value)), f"{value:g}") for value in ticks]
    steps = "".join(f"M{svg.at(x, frame.bottom_mm)}v1" for x, _ in placed)
    written = [
        svg.text(x, frame.bottom_mm + 3.8, number, colour="faint", anchor="middle", size=2.4)
        for x, number in placed
    ]
    name = svg.text(
        frame.right_mm, frame.bottom_mm + 3.8 + _NAME_MM, words, colour="faint", anchor="end", size=2.4
    )
    return svg.path(base + steps, "axis", 0.2) + "".join(written) + name


def histogram(
    values: npt.ArrayLike, *, label: str, unit: str, width: float | None = None, size_mm: float = 90.0
) -> str:
    """Draw how often values occur.

    Parameters
    ----------
    values : array, shape (n,)
        Missing ones are left out.
    label, unit : str
        What stands above the chart, and below its axis.
    width : float, optional
        Of a class; default: a round number that makes at most 40 of them.
    size_mm : float
        Width of the chart.

    Examples
    --------
    >>> "RR interval, ms" in histogram([800, 810, 790], label="RR intervals", unit="RR interval, ms")
    True
    """
    known = np.asarray(values, np.float64).ravel()
    known = known[np.isfinite(known)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    width = width or nice_step(max(high - low, 1e-6), 40)
    low = math.floor(low / width) * width
    classes = min(int((high - low) / width) + 1, 400)
    counts, edges = np.histogram(known, classes, (low, low + classes * width))
    most = max(int(counts.max()), 1)
    step = max(nice_step(most, 4), 1.0)
    frame = Frame(
        low,
        float(edges[-1]),
        0.0,
        math.ceil(most / step) * step,
        height_mm=_SIDE_MM,
        left_mm=12.0,
        right_mm=size_mm - 4,
        room_mm=4.0,
    )
    x, y, base = frame.x(edges).tolist(), frame.y(counts.astype(float)).tolist(), frame.bottom_mm
    drawn = [
        svg.rectangle(a + 0.1, top, max(b - a - 0.2, 0.1), base - top, "bar")
        for a, b, top in zip(x[:-1], x[1:], y, strict=True)
        if top < base
    ]
    ticks = values_upto(low, float(edges[-1]), nice_step(float(edges[-1]) - low, 6))
    return frame.drawing(
        label,
        frame.across(values_upto(0.0, frame.high, step), "count"),
        *drawn,
        _below(frame, ticks, unit),
        below_mm=_NAME_MM,
    )
