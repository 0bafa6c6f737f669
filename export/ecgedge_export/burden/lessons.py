"""What the arm of intervals learns from: AFDB, MIT-BIH and CinC 2017, person by person."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecgedge.artefacts.folder import BUNDLED
from ecgedge.artefacts.manifest import MANIFEST_NAME
from ecgedge.beats.detector import find_beats
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.files import atomic_file
from ecgedge_export import data, prepare, splits
from ecgedge_export.archives import npz
from ecgedge_export.burden import afdb_rr, irregularity, rr
from ecgedge_export.burden.irregularity import N_RR, Array
from ecgedge_export.burden.rr import Intervals, RrModel
from ecgedge_export.data import DATASETS, Record
from ecgedge_export.ec57.episodes import AF, FLUTTER, spans

Bools = npt.NDArray[np.bool_]
Log = Callable[[str], None]
FS = 100.0  # of prepared signals
MOST_WINDOWS = 1000  # of a recording: ten hours have four times as many, and most are alike
# Rhythms without beats of their own, or with a pacemaker's, teach nothing; flutter is left open.
_LEFT_OUT = (FLUTTER, "VFL", "P")


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """Windows of intervals: figures (n, 16), whether each is AF, and whose it is (``dataset:patient``)."""

    x: Array
    is_af: Bools
    who: npt.NDArray[np.str_]

    def without(self, person: str) -> Lessons:
        """All but those of one person."""
        keep = self.who != person
        return Lessons(self.x[keep], self.is_af[keep], self.who[keep])

    @property
    def weights(self) -> Array:
        """Every data set weighs the same, and in it every person."""
        sets = np.array([name.partition(":")[0] for name in self.who.tolist()])
        weights = np.zeros(len(self.who))
        for name in np.unique(sets).tolist():
            here = sets == name
            _, person, n = np.unique(self.who[here], return_inverse=True, return_counts=True)
            weights[here] = 1 / n[person] / len(n)
        return weights

    def fit(self) -> RrModel:
        """Fit a model to all of them."""
        return rr.fit(self.x, self.is_af, self.weights)


def person(record: Record) -> str:
    """Whose a record is, among all data sets."""
    return f"{record.dataset}:{record.patient}"


def gathered(folder: Path, log: Log, limit: int | None = None) -> Lessons:
    """All windows to learn from, kept in a folder until the code that makes them changes.

    Parameters
    ----------
    folder : Path
    log : callable
    limit : int, optional
        Most records of each data set.

    Raises
    ------
    ConfigError
        None of the data sets is at hand.
    """
    parts = {"afdb": _afdb, "mitdb": _mitdb, "cinc2017": _cinc2017}
    found = [(name, make) for name, make in parts.items() if _is_there(name)]
    if not found:
        raise ConfigError("nothing teaches the arm of intervals: fetch mitdb, afdb or cinc2017")
    made = [_kept(folder / f"{name}-{_key(limit)}.npz", make, limit) for name, make in found]
    for (name, _), lessons in zip(found, made, strict=True):
        log(f"{name}: {len(lessons.x)} windows of intervals, {int(lessons.is_af.sum())} of them AF")
    return _joined(made)


def _is_there(name: str) -> bool:
    return DATASETS[name].located() is not None or (name == "afdb" and afdb_rr.is_there())


def _kept(path: Path, make: Callable[[int | None], Lessons], limit: int | None) -> Lessons:
    if not path.is_file():
        lessons = make(limit)
        with atomic_file(path) as file:
            np.savez(file, **{f.name: getattr(lessons, f.name) for f in fields(Lessons)})
    with npz(path, "delete it, it is made again") as z:
        return Lessons(z["x"], z["is_af"], z["who"])


def _key(limit: int | None) -> str:
    """Changes with the code that makes windows, and with the beat detector."""
    code = [Path(str(m.__file__)).read_bytes() for m in (irregularity, rr)] + [Path(__file__).read_bytes()]
    code.append((BUNDLED / "beats" / MANIFEST_NAME).read_bytes())
    return hashlib.sha256(b"".join(code) + repr(limit).encode()).hexdigest()[:12]


def _joined(parts: Sequence[Lessons]) -> Lessons:
    return Lessons(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Lessons)))


def _afdb(limit: int | None) -> Lessons:
    records = data.afdb() if DATASETS["afdb"].located() else afdb_rr.afdb_rr()
    return _joined([_of_record(r) for r in islice(records, limit)])


def _mitdb(limit: int | None) -> Lessons:
    return _joined([_of_record(r) for r in islice(data.mitdb(), limit)])


def _cinc2017(limit: int | None) -> Lessons:
    """Training recordings of sinus rhythm, AF and others, with the beats that our detector finds."""
    every = prepare.cinc2017(FS)
    rows = zip(every.ids, every.labels, every.signals, strict=True)
    known = ((i, label, x) for i, label, x in rows if label != "~" and not splits.is_validation(i))
    return _joined([_of_recording(*row) for row in islice(known, limit)])


def _of_record(record: Record) -> Lessons:
    """Windows of a record: AF where half of their intervals lie in it; none touches what is left open."""
    of = rr.intervals(record.beats, record.fs)
    if len(of.rr_s) < N_RR:
        return _none()
    first = rr.starts(len(of.rr_s))
    first = first[:: -(-len(first) // MOST_WINDOWS)]
    at = first[:, None] + np.arange(N_RR)
    x = irregularity.features(of.rr_s[at])
    is_af = _inside(of, record, (AF,))[at].mean(axis=1) >= 0.5
    keep = ~_inside(of, record, _LEFT_OUT)[at].any(axis=1)
    return Lessons(x[keep], is_af[keep], np.full(int(keep.sum()), person(record)))


def _inside(of: Intervals, record: Record, names: Sequence[str]) -> Bools:
    inside = np.zeros(len(of.end), np.bool_)
    for start, end in (span for name in names for span in spans(record.rhythms, name, 0, record.n_samples)):
        inside |= (of.end > start) & (of.end <= end)
    return inside


def _of_recording(name: str, label: str, signal: prepare.Signal) -> Lessons:
    beats = np.array([round(b.position) for b in find_beats(signal)], np.int64)
    x = rr.windows(rr.intervals(beats, FS))
    who = f"cinc2017:{data.SAME_RECORDING.get(name, name)}"
    return Lessons(x, np.full(len(x), label == "A"), np.full(len(x), who))


def _none() -> Lessons:
    return Lessons(irregularity.features(np.empty((0, N_RR))), np.empty(0, np.bool_), np.empty(0, "<U1"))
