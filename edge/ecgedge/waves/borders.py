"""From a probability for each sample to the borders of the waves of one beat.

A wave is a run of samples in which its class has more than half of the probability. Its border lies between
two samples, where a line through their probabilities crosses one half: that is finer than the 10 ms between
samples. Of several runs the beat's own are chosen by the order of a heart beat: P before QRS before T, none
of them beyond the QRS of a neighbour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

HALF = 0.5
# The R peak lies this close to its QRS complex, in samples of 10 ms: the detector takes the extreme within
# 20 ms, and a border may be off by as much.
NEAR = 4


class Span(NamedTuple):
    """A wave from onset to end as places in a window; None for a border that lies outside of it."""

    onset: float | None
    end: float | None


@dataclass(frozen=True, slots=True)
class BeatSpans:
    """Waves of one beat; None for one that it has not."""

    p: Span | None = None
    qrs: Span | None = None
    t: Span | None = None


class _Run(NamedTuple):
    """Samples ``start`` to before ``end``, and the sum of their probability."""

    start: int
    end: int
    mass: float


@dataclass(frozen=True, slots=True)
class Bounds:
    """Places in a window: the R peak, where signal begins and ends, and the R peaks of the neighbours.

    A neighbour that is not in the window lies at its edge.
    """

    peak: int
    start: int
    end: int
    before: float
    after: float


def spans(p: Mapping[str, Floats], at: Bounds, least: Mapping[str, float]) -> BeatSpans:
    """Find the waves of the beat at ``at.peak``.

    Parameters
    ----------
    p : mapping of str to array, shape (n,)
        Probability of ``p``, ``qrs`` and ``t`` for each sample of the window.
    at : Bounds
    least : mapping of str to float
        For each of them the least sum of probability over its samples: less is a doubt, no wave.

    Examples
    --------
    >>> qrs = np.zeros(100, np.float32)
    >>> qrs[46:55] = 1.0
    >>> none = np.zeros_like(qrs)
    >>> least = dict.fromkeys(("p", "qrs", "t"), 2.0)
    >>> found = spans({"p": none, "qrs": qrs, "t": none}, Bounds(50, 0, 100, 0, 100), least)
    >>> found.qrs, found.p
    (Span(onset=45.5, end=54.5), None)
    """
    complexes = _runs(p["qrs"], at, least["qrs"])
    own = min(complexes, key=lambda run: _distance(run, at.peak), default=None)
    if own is None or _distance(own, at.peak) > NEAR:
        return BeatSpans()
    before = max([at.before, *(run.end for run in complexes if run.end <= own.start)])
    after = min([at.after, *(run.start for run in complexes if run.start >= own.end)])
    p_waves = [run for run in _runs(p["p"], at, least["p"]) if before <= run.start and run.end <= own.start]
    t_waves = [run for run in _runs(p["t"], at, least["t"]) if own.end <= run.start and run.end <= after]
    return BeatSpans(
        # The P wave next to the QRS is the one that is conducted; behind the T wave come U and the next P.
        _span(p["p"], p_waves[-1], at) if p_waves else None,
        _span(p["qrs"], own, at),
        _span(p["t"], t_waves[0], at) if t_waves else None,
    )


def _runs(p: Floats, at: Bounds, least: float) -> list[_Run]:
    """Runs above one half in what the window holds of the signal."""
    above = np.zeros(len(p) + 1, np.bool_)
    above[at.start : at.end] = p[at.start : at.end] > HALF
    turns = np.flatnonzero(above[1:] != above[:-1]) + 1
    edges = [*([0] if above[0] else []), *turns.tolist()]
    runs = (_Run(a, b, float(p[a:b].sum())) for a, b in zip(edges[::2], edges[1::2], strict=True))
    return [run for run in runs if run.mass >= least]


def _distance(run: _Run, place: int) -> int:
    return max(run.start - place, place - run.end + 1, 0)


def _span(p: Floats, run: _Run, at: Bounds) -> Span:
    """Borders of a run; one that goes on beyond the window, or beyond the signal, is not seen."""
    onset = run.start - _crossing(p, run.start, run.start - 1) if run.start > at.start else None
    end = run.end - 1 + _crossing(p, run.end - 1, run.end) if run.end < at.end else None
    return Span(onset, end)


def _crossing(p: Floats, inside: int, outside: int) -> float:
    """How far from the sample inside, towards the one outside, the probability is one half."""
    a, b = float(p[inside]), float(p[outside])
    return (a - HALF) / (a - b)
