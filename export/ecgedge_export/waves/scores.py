"""How far the found borders are from the marked ones, in the measures of the literature.

A found border belongs to a marked one within 150 ms (Martínez et al., IEEE Trans Biomed Eng 51, 2004, and
those after them); sensitivity is the share of marked borders that were found, P+ the share of found borders
that are marked, and the errors of the pairs have a mean and a standard deviation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.whole_recording import Wave
from ecgedge_export.data.record import Record
from ecgedge_export.data.record import Wave as MarkedWave

Delineate = Callable[[npt.NDArray[np.float32], float], Sequence[Wave]]
Border = tuple[str, str]

TOLERANCE_S = 0.15
LEADS = ("i", "ii")
BORDERS: tuple[Border, ...] = tuple((k, b) for k in ("P", "QRS", "T") for b in ("onset", "end"))
# Two standard deviations of the experts of the CSE working party (Eur Heart J 6, 1985), which Martínez et al.
# and others compare a program's standard deviation with; there is none for the onset of T.
CSE_MS = {
    ("P", "onset"): 10.2,
    ("P", "end"): 12.7,
    ("QRS", "onset"): 6.5,
    ("QRS", "end"): 11.6,
    ("T", "end"): 30.6,
}
RESAMPLED = 1000  # people drawn anew for an interval


@dataclass(frozen=True, slots=True)
class Compared:
    """Borders of one kind in one lead: marked, found in the marked stretch, errors of the pairs in ms."""

    person: str
    border: Border
    marked: int
    found: int
    errors_ms: tuple[float, ...]


def compared(
    person: str, marked: Sequence[MarkedWave], found: Sequence[Wave], fs: float
) -> Iterator[Compared]:
    """Compare the waves of one lead; what was found before the first and behind the last mark is passed over.

    Cardiologists marked the middle of each recording alone. Where one left a border out, none is missed and
    none is made up.
    """
    start, end = marked[0].peak, marked[-1].peak
    for kind, name in BORDERS:
        of_kind = [wave for wave in marked if wave.kind == kind]
        wanted = np.array([at for wave in of_kind if (at := getattr(wave, name)) is not None], float)
        open_ = np.array([wave.peak for wave in of_kind if getattr(wave, name) is None], float)
        got = np.array([at for w in found if w.kind == kind and (at := getattr(w, name)) is not None], float)
        pairs = _pairs(wanted, got, TOLERANCE_S * fs)
        inside = (got >= start) & (got <= end)
        if len(open_):
            inside &= np.abs(got[:, None] - open_).min(axis=1) > TOLERANCE_S * fs
        n_found = int((inside | pairs.paired).sum())
        errors_ms = (1e3 * pairs.errors / fs).tolist()
        yield Compared(person, (kind, name), len(wanted), n_found, tuple(errors_ms))


class _Pairs(NamedTuple):
    """Errors of the pairs, and which of the found borders are in one."""

    errors: npt.NDArray[np.float64]
    paired: npt.NDArray[np.bool_]


def _pairs(wanted: npt.NDArray[np.float64], got: npt.NDArray[np.float64], within: float) -> _Pairs:
    """Pair each marked border with the nearest found one that is in no pair yet."""
    paired, errors = np.zeros(len(got), np.bool_), []
    for at in wanted.tolist():
        away = np.where(paired, np.inf, np.abs(got - at))
        if len(away) and away.min() <= within:
            nearest = int(away.argmin())
            paired[nearest] = True
            errors.append(got[nearest] - at)
    return _Pairs(np.array(errors), paired)


def compare_records(delineate: Delineate, records: Iterable[Record]) -> list[Compared]:
    """Find and compare the waves of leads I and II of recordings, at their own rate."""
    rows: list[Compared] = []
    for record in records:
        for name in LEADS:
            marked = record.waves[name]
            if marked:
                found = delineate(record.lead(name), record.fs)
                rows += compared(f"{record.dataset}/{record.id}", marked, found, record.fs)
    return rows


def report(rows: Sequence[Compared], *, intervals: bool = True) -> dict[str, Any]:
    """Sensitivity and P+ in %, mean and standard deviation of the error in ms, for each border.

    Intervals hold 95 % of what comes out when the people are drawn anew.
    """
    people = sorted({row.person for row in rows})
    return {
        "people": len(people),
        "leads": " and ".join(LEADS),
        "tolerance_ms": 1e3 * TOLERANCE_S,
        **{" ".join(b): _of_border([r for r in rows if r.border == b], b, intervals) for b in BORDERS},
    }


def _of_border(rows: Sequence[Compared], border: Border, intervals: bool) -> dict[str, Any]:
    by_person: dict[str, list[Compared]] = {}
    for row in rows:
        by_person.setdefault(row.person, []).append(row)
    sums = np.array([_sums(own) for own in by_person.values()]).reshape(-1, 5)
    out = _rounded(_figures(sums.sum(axis=0)))
    if intervals and len(sums):
        rng = np.random.default_rng(1)
        drawn = rng.integers(0, len(sums), (RESAMPLED, len(sums)))
        many = [_figures(sums[chosen].sum(axis=0)) for chosen in drawn]
        for name in ("se", "p_plus", "mean_ms", "sd_ms"):
            values = np.array([one[name] for one in many])
            known = values[np.isfinite(values)]
            ends = np.percentile(known, [2.5, 97.5]).tolist() if len(known) else [None, None]
            out[f"{name}_95"] = [end if end is None else round(end, 2) for end in ends]
    return out | ({"cse_2sd_ms": CSE_MS[border]} if border in CSE_MS else {})


def _rounded(figures: Mapping[str, float]) -> dict[str, Any]:
    """Figures to two decimals; None for one that nothing gives."""
    return {name: round(value, 2) if np.isfinite(value) else None for name, value in figures.items()}


def _sums(rows: Sequence[Compared]) -> list[float]:
    """Marked, found, pairs, and the sums of errors and their squares: what figures are made of."""
    errors = np.array([e for row in rows for e in row.errors_ms])
    return [
        sum(row.marked for row in rows),
        sum(row.found for row in rows),
        len(errors),
        float(errors.sum()),
        float((errors**2).sum()),
    ]


def _figures(sums: npt.NDArray[np.float64]) -> Mapping[str, float]:
    marked, found, pairs, total, squares = sums.tolist()
    mean = total / pairs if pairs else np.nan
    return {
        "marked": marked,
        "se": 100 * pairs / marked if marked else np.nan,
        "p_plus": 100 * pairs / found if found else np.nan,
        "mean_ms": mean,
        "sd_ms": float(np.sqrt(max(squares / pairs - mean**2, 0.0))) if pairs else np.nan,
    }
