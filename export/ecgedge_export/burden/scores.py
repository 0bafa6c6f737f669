"""Burden, episodes and windows of AF: one recording as counts, several as figures with intervals.

Every figure is made of sums over recordings, so that a bootstrap over patients adds up a few numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ecgedge_export.burden.reference import NEITHER, Period
from ecgedge_export.data import Episode
from ecgedge_export.ec57.episodes import AF, Span, compare_af, spans
from ecgedge_export.rhythm.scores import Gain, Indices, interval

Array = npt.NDArray[np.float64]
WINDOW_S = 30.0  # a diagnosis of AF rests on no less (Hindricks et al., ESC guidelines, 2020)
HALF = 0.5  # of a window, from which it counts as AF
_ROUNDING = 1e-6  # of a sample, by which a half may come out too small


@dataclass(frozen=True, slots=True)
class Counts:
    """One recording, all sums; times in seconds.

    Parameters
    ----------
    period_s : float
        What counts of it.
    reference_s, test_s, overlap_s : float
        AF as it is, as it was called, and both.
    detected, missed, right, false : int
        Episodes, see :class:`ecgedge_export.ec57.episodes.AfCounts`.
    hits, misses, alarms, others : int
        Windows of 30 s: AF that was called so, AF that was not, others that were called AF, others.
    """

    period_s: float
    reference_s: float
    test_s: float
    overlap_s: float
    detected: int
    missed: int
    right: int
    false: int
    hits: int
    misses: int
    alarms: int
    others: int

    @property
    def error(self) -> float:
        """Burden that was found less that of the reference, as a share; 0 where nothing counts."""
        return (self.test_s - self.reference_s) / self.period_s if self.period_s else 0.0


def compare(truth: Sequence[Episode], called: Sequence[Episode], of: Period) -> Counts:
    """Compare what a recording holds (in the names of :func:`asked`) with what was called AF (``AFIB``).

    Examples
    --------
    >>> truth = [Episode(0, 600, "AFIB"), Episode(600, 1200, "N")]
    >>> found = compare(truth, [Episode(300, 700, "AFIB")], Period(0, 1200, 10.0))
    >>> found.hits, found.misses, found.alarms, found.others, round(found.error, 3)
    (1, 1, 0, 2, -0.167)
    """
    episodes = compare_af(truth, called, of.fs, of.start, of.end)
    left_out = spans(truth, NEITHER, of.start, of.end)
    step = WINDOW_S * of.fs
    # Whole windows alone; a shorter rest at the end counts for burden and episodes.
    edges = of.start + step * np.arange(int((of.end - of.start) / step) + 1)
    neither = _covered(left_out, edges) / step
    counts = neither < HALF
    # Half of what is left of a window where some of it is left out.
    least = HALF * step * (1 - neither) - _ROUNDING
    is_af = (_covered(spans(truth, AF, of.start, of.end), edges) >= least)[counts]
    said = spans(called, AF, of.start, of.end)
    is_called = (_covered(said, edges) >= least)[counts]
    return Counts(
        period_s=(of.end - of.start - sum(b - a for a, b in left_out)) / of.fs,
        **asdict(episodes),
        hits=int(np.sum(is_af & is_called)),
        misses=int(np.sum(is_af & ~is_called)),
        alarms=int(np.sum(~is_af & is_called)),
        others=int(np.sum(~is_af & ~is_called)),
    )


def _covered(of: Sequence[Span], edges: npt.NDArray[np.floating[Any]]) -> Array:
    """Samples of each window that lie in spans, which are ascending and apart."""
    at = np.array([edge for span in of for edge in span], np.float64)
    if not len(at):
        return np.zeros(max(0, len(edges) - 1))
    so_far = np.concatenate([[0.0], np.cumsum(np.where(np.arange(len(at) - 1) % 2 == 0, np.diff(at), 0.0))])
    covered: Array = np.diff(np.interp(edges, at, so_far))
    return covered


# Each figure is a ratio of sums over recordings: (names that are added, names that they are divided by).
_RATIOS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "window F1": (("hits", "hits"), ("hits", "hits", "misses", "alarms")),
    "window Se": (("hits",), ("hits", "misses")),
    "window P+": (("hits",), ("hits", "alarms")),
    "window Sp": (("others",), ("others", "alarms")),
    "episode Se": (("detected",), ("detected", "missed")),
    "episode P+": (("right",), ("right", "false")),
    "duration Se": (("overlap_s",), ("reference_s",)),
    "duration P+": (("overlap_s",), ("test_s",)),
    "burden": (("reference_s",), ("period_s",)),
    "burden found": (("test_s",), ("period_s",)),
    "burden error": (("absolute",), ("recordings",)),
    "burden bias": (("signed",), ("recordings",)),
}
FIGURES = tuple(_RATIOS)


def figures(counts: Mapping[str, Counts], patient: Mapping[str, str]) -> dict[str, Any]:
    """Figures in % of several recordings, with 95 % intervals by bootstrap over patients.

    Parameters
    ----------
    counts : mapping of str to Counts
        By recording.
    patient : mapping of str to str
        Who each recording is of.

    Returns
    -------
    dict
        Gross figures (each window, episode or second weighs the same; of burden errors each recording), each
        as ``[value, low, high]``, None where there is nothing to divide by; the median error; the figures of
        each recording, and its :class:`Counts`.
    """
    people = sorted({patient[name] for name in counts})
    sums = np.array([_sums([c for name, c in counts.items() if patient[name] == who]) for who in people])
    gross = {name: _with_interval(sums, name) for name in _RATIOS}
    errors = [abs(c.error) for c in counts.values()]
    return {
        "recordings": len(counts),
        "patients": len(people),
        "hours": round(sum(c.period_s for c in counts.values()) / 3600, 2),
        "gross": gross,
        "median burden error": _percent(float(np.median(errors))) if errors else None,
        "by_record": {name: by_record(c) for name, c in counts.items()},
        "counts": {name: asdict(c) for name, c in counts.items()},
    }


def gain(
    ours: Mapping[str, Counts], theirs: Mapping[str, Counts], patient: Mapping[str, str], name: str
) -> Gain:
    """How much higher a figure of ``ours`` is than that of ``theirs``, as a share, over the same recordings.

    The bootstrap draws patients, the same for both sides.
    """
    people = sorted({patient[record] for record in ours})
    sides = [
        np.array([_sums([c for r, c in side.items() if patient[r] == who]) for who in people])
        for side in (ours, theirs)
    ]

    def difference(drawn: Indices) -> float:
        a, b = (_ratio(side[drawn].sum(axis=0), name) for side in sides)
        return a - b

    return Gain(difference(np.arange(len(people))), *interval(len(people), difference))


def by_record(counts: Counts) -> dict[str, float | None]:
    """Figures of one recording, in %."""
    return {name: _percent(_ratio(_sums([counts]), name)) for name in _RATIOS}


_SUMMED = (*Counts.__dataclass_fields__, "absolute", "signed", "recordings")


def _sums(of: Sequence[Counts]) -> Array:
    rows = [[*asdict(c).values(), abs(c.error), c.error, 1.0] for c in of]
    total: Array = np.sum(rows, axis=0)
    return total


def _ratio(sums: Array, name: str) -> float:
    above, below = (sum(sums[_SUMMED.index(part)] for part in parts) for parts in _RATIOS[name])
    return float(above / below) if below else float("nan")


def _with_interval(sums: Array, name: str) -> list[float | None]:
    value = _ratio(sums.sum(axis=0), name) if len(sums) else float("nan")
    # One patient is no sample of patients.
    if np.isnan(value) or len(sums) < 2:
        return [_percent(value), None, None]
    low, high = interval(len(sums), lambda drawn: _ratio(sums[drawn].sum(axis=0), name))
    return [_percent(value), _percent(low), _percent(high)]


def _percent(value: float) -> float | None:
    return None if np.isnan(value) else round(100 * value, 2)
