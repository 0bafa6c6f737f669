"""How well beats are found: MIT-BIH, as it is and with NSTDB noise, through ``ecgedge.detect_beats``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge_bridge.errors import ConfigError
from ecgedge_export import data
from ecgedge_export.data import Record
from ecgedge_export.prepare import mix

Samples = npt.NDArray[np.int64]
Signal = npt.NDArray[np.float32]
Detect = Callable[[Signal, float], Samples]

# 150 ms is ANSI/AAMI EC57's; 50 ms shows whether the peak itself was found, on which RR intervals hang.
TOLERANCES_S = (0.15, 0.05)
NOISES = ("bw", "em", "ma")
FLUTTER = "VFL"  # of record 207: it has no beats to be found


@dataclass(frozen=True, slots=True)
class Counts:
    """Beats of a reference, beats found, and pairs of them; :meth:`__add__` makes the gross count."""

    beats: int = 0
    found: int = 0
    hits: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.beats + other.beats, self.found + other.found, self.hits + other.hits)

    @property
    def sensitivity(self) -> float:
        """Share of the beats that were found."""
        return self.hits / self.beats if self.beats else 1.0

    @property
    def predictivity(self) -> float:
        """Share of what was found that is a beat."""
        return self.hits / self.found if self.found else 1.0

    @property
    def f1(self) -> float:
        """2 hits / (beats + what was found); 1 where there are neither."""
        whole = self.beats + self.found
        return 2 * self.hits / whole if whole else 1.0

    def as_percent(self) -> dict[str, float]:
        """Sensitivity, positive predictivity and F1, in %."""
        shares = {"Se": self.sensitivity, "P+": self.predictivity, "F1": self.f1}
        return {name: round(100 * share, 2) for name, share in shares.items()}


def pairs(
    reference: npt.ArrayLike, found: npt.ArrayLike, tolerance: float, *, nearest: bool = False
) -> list[tuple[int, int]]:
    """Pair what lies within ``tolerance``, each beat in one pair at most, from the first on.

    Parameters
    ----------
    reference, found : array, shapes (n,) and (m,)
        Ascending, in the unit of ``tolerance``.
    nearest : bool
        The rule of ANSI/AAMI EC57 and PhysioNet's ``bxb``: the earlier beat of two leaves the later one to
        its own follower, where that is as near or nearer.

    Returns
    -------
    list of (index in reference, index in found)

    Examples
    --------
    >>> pairs([10, 20, 30], [11, 12, 29], tolerance=2)
    [(0, 0), (2, 2)]
    >>> pairs([10], [8, 11], tolerance=2), pairs([10], [8, 11], tolerance=2, nearest=True)
    ([(0, 0)], [(0, 1)])
    """
    a, b = np.asarray(reference).tolist(), np.asarray(found).tolist()
    i = j = 0
    matched = []
    while i < len(a) and j < len(b):
        if abs(a[i] - b[j]) <= tolerance and not (nearest and _follower_is_nearer(a, b, i, j)):
            matched.append((i, j))
            i, j = i + 1, j + 1
        elif a[i] < b[j]:
            i += 1
        else:
            j += 1
    return matched


def _follower_is_nearer(a: list[float], b: list[float], i: int, j: int) -> bool:
    """Whether the later one of ``a[i]`` and ``b[j]`` is at least as near to the one after the earlier one."""
    follower, later = (b[j + 1 : j + 2], a[i]) if b[j] < a[i] else (a[i + 1 : i + 2], b[j])
    return bool(follower) and abs(later - follower[0]) <= abs(a[i] - b[j])


def compare(record: Record, found: Samples, tolerance_s: float, *, ec57: bool = False) -> Counts:
    """Compare beats with a record's annotations.

    ``ec57`` leaves out what :func:`counted` does, and pairs by EC57's rule.
    """
    reference = record.beats
    if ec57:
        reference, found = (x[counted(record, x)] for x in (reference, found))
    matched = pairs(reference, found, tolerance_s * record.fs, nearest=ec57)
    return Counts(len(reference), len(found), len(matched))


def counted(record: Record, at: Samples) -> npt.NDArray[np.bool_]:
    """Which positions ANSI/AAMI EC57 counts: none in the learning time or in ventricular flutter."""
    keep = at >= record.learning_s * record.fs
    for episode in record.rhythms:
        if episode.name == FLUTTER:
            keep &= (at < episode.start) | (at >= episode.end)
    return keep


def nstdb(name: str) -> Signal:
    """First channel of an NSTDB recording (``bw``, ``em``, ``ma``), at the rate of MIT-BIH."""
    (record,) = data.nstdb((name,))
    return record.mv


def report(
    detect: Detect,
    record_ids: Sequence[str],
    noise: str | None = None,
    snr_db: float = 0.0,
    *,
    ec57: bool = False,
) -> dict[str, Any]:
    """Run a detector over MIT-BIH records: sensitivity, positive predictivity and F1 in %, gross.

    The worst records are listed with what was missed and what was made up, within the first tolerance.
    """
    added = nstdb(noise) if noise else None
    totals, worst = [Counts() for _ in TOLERANCES_S], []
    spent = hours = 0.0
    for record in data.mitdb(record_ids):
        mv = record.mv if added is None else mix(record.mv, added, snr_db)
        begun = time.process_time()  # of this process: what else the machine does is not counted
        found = detect(mv, record.fs)
        spent, hours = spent + time.process_time() - begun, hours + len(mv) / record.fs / 3600
        counts = [compare(record, found, t, ec57=ec57) for t in TOLERANCES_S]
        totals = [a + b for a, b in zip(totals, counts, strict=True)]
        worst.append((record.id, counts[0].beats - counts[0].hits, counts[0].found - counts[0].hits))
    worst.sort(key=lambda row: -row[1] - row[2])
    return {
        "records": len(record_ids),
        "noise": f"{noise} {snr_db:g} dB" if noise else "none",
        "ec57": ec57,
        **{f"{1e3 * t:.0f} ms": c.as_percent() for t, c in zip(TOLERANCES_S, totals, strict=True)},
        "cpu_s_per_hour": round(spent / hours, 2),
        "worst": [{"record": r, "missed": m, "made_up": x} for r, m, x in worst[:5]],
    }


class Noise(NamedTuple):
    """A kind of noise of NSTDB and its signal-to-noise ratio in dB."""

    kind: str
    snr_db: float


def condition(text: str) -> Noise:
    """Read a kind of noise and its ratio, such as ``em:6``.

    Raises
    ------
    ConfigError
        It is none of NSTDB's, or the ratio no number.
    """
    kind, _, snr = text.partition(":")
    try:
        if kind not in NOISES:
            raise ValueError
        return Noise(kind, float(snr))
    except ValueError:
        raise ConfigError(f"noise {text!r}: give {', '.join(NOISES)}, a colon and dB, such as em:6") from None


def all_records() -> list[str]:
    """Names of the 48 records."""
    return sorted(record.id for record in data.mitdb())


def table(detect: Detect, conditions: Iterable[tuple[str, float]]) -> list[dict[str, Any]]:
    """The whole picture: clean (all, DS1, DS2, by EC57), and every fourth record with noise."""
    from ecgedge_export.splits import DS1, DS2

    everything = all_records()
    rows = [
        {"set": name, **report(detect, ids, ec57=ec57)}
        for name, ids, ec57 in (
            ("all", everything, False),
            ("all", everything, True),
            ("DS1 (trained on)", list(DS1), False),
            ("DS2", list(DS2), False),
        )
    ]
    fourth = everything[::4]
    return rows + [{"set": "every 4th", **report(detect, fourth, kind, snr)} for kind, snr in conditions]
