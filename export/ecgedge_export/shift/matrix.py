"""One small student, taught on each data set and asked about each: what crosses from one to another.

Two questions have labels in several sets: atrial fibrillation or not (CinC 2017, PTB-XL, MIT-BIH), and any
ectopic beat or none (PTB-XL, MIT-BIH, svdb). All is ten seconds of one lead at 100 Hz. Each set has two
halves, by patient or record, and each half is answered by students that learnt from the other half of
whatever set taught: the diagonal has never seen its people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ecgedge_bridge.files import atomic_file
from ecgedge_export import data
from ecgedge_export.archives import npz
from ecgedge_export.data import Record
from ecgedge_export.data.databases.svdb import svdb
from ecgedge_export.pretrain import sets
from ecgedge_export.pretrain.encoder import FS, N_SAMPLES
from ecgedge_export.pretrain.scores import draws
from ecgedge_export.rhythm.scores import Gain
from ecgedge_export.shift.covariates import Fused
from ecgedge_export.shift.robust import risk
from ecgedge_export.shift.scores import auroc, gain
from ecgedge_export.shift.student import Plan, features, probabilities, train

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Log = Callable[[str], None]

A_RECORD = 45  # windows of a long record, evenly spread
_S = round(FS)
_PACED = frozenset(("102", "104", "107", "217"))
# PTB-XL's statements of premature beats
_ECTOPIC = frozenset("PVC PAC PRC(S) BIGU TRIGU".split())
_REMEDY = "delete it, it is made again"


@dataclass(frozen=True, slots=True)
class Scale:
    """At most so many windows of a set, the same for all; and so many of the long records (None: all)."""

    windows: int = 1600
    records: int | None = None


_WHOLE = Scale()


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Windows of one set: ``ecg`` (n, 1, 1000) in mV, of whom each is, and whether it shows what is asked."""

    ecg: Floats
    of: tuple[str, ...]
    sick: Bools

    @property
    def half(self) -> npt.NDArray[np.int64]:
        """Which half each is in: every second person or record, in the order of their names."""
        sides = {name: i % 2 for i, name in enumerate(sorted(set(self.of)))}
        return np.array([sides[name] for name in self.of])


def _of_cinc2017(scale: Scale) -> Windows:
    strips = sets.cinc2017()
    names = [strips.ids[i] for i in strips.of]
    af = np.array([strips.labels[i] == "A" for i in strips.of])
    people = [data.SAME_RECORDING.get(name, name) for name in names]
    return _limited(Windows(strips.windows, tuple(people), af), scale)


def _of_ptbxl(codes: frozenset[str], scale: Scale) -> Windows:
    cohort = sets.ptbxl(range(1, 10))
    sick = cohort.has(sorted(codes)).max(axis=1) > 0
    return _limited(Windows(cohort.lead_i, cohort.patients, sick), scale)


def _of_long(
    name: str,
    read: Callable[[], Iterator[Record]],
    asked: Callable[[Record, int, int], bool | None],
    scale: Scale,
) -> Windows:
    """Windows of half-hour records; those about which ``asked`` says None are left out."""
    path = data.cache_dir() / "prepared" / "shift" / f"{name}-{scale.records or 'all'}.npz"
    if not path.is_file():
        found = [_record(record, asked) for record in islice(read(), scale.records)]
        ecg = np.concatenate([one.ecg for one in found])
        of = [patient for one in found for patient in one.of]
        with atomic_file(path) as file:
            np.savez(file, ecg=ecg, of=of, sick=np.concatenate([one.sick for one in found]))
    with npz(path, _REMEDY) as kept:
        return _limited(Windows(kept["ecg"], tuple(kept["of"].tolist()), kept["sick"]), scale)


def _record(record: Record, asked: Callable[[Record, int, int], bool | None]) -> Windows:
    signal = sets.at_100_hz(record.mv, record.fs)
    last = len(signal) - N_SAMPLES
    starts = np.linspace(0, last, A_RECORD).astype(int)
    told = [
        (int(start), sick)
        for start in starts
        if (sick := asked(record, *_samples(record, int(start)))) is not None
    ]
    ecg = np.array([signal[start : start + N_SAMPLES] for start, _ in told], np.float32)
    shows = np.array([sick for _, sick in told], np.bool_)
    return Windows(ecg.reshape(-1, 1, N_SAMPLES), (record.patient,) * len(told), shows)


def _samples(record: Record, start: int) -> tuple[int, int]:
    """A window's first sample and the one behind its last, at the record's own rate."""
    return round(start / _S * record.fs), round((start + N_SAMPLES) / _S * record.fs)


def fibrillates(record: Record, start: int, end: int) -> bool | None:
    """Whether a stretch is in AF throughout; None where it is so in part, or in flutter."""
    inside = {episode.name for episode in record.rhythms if episode.overlaps(start, end)}
    if "AFL" in inside or ("AFIB" in inside and len(inside) > 1):
        return None
    return "AFIB" in inside


def ectopic(record: Record, start: int, end: int) -> bool:
    """Whether a beat of AAMI class S, V or F lies in a stretch."""
    inside = (record.beats >= start) & (record.beats < end)
    return bool(np.isin(record.aami[inside], ("S", "V", "F")).any())


def _mitdb() -> Iterator[Record]:
    return (record for record in data.mitdb() if record.id not in _PACED)


Read = Callable[[Scale], Windows]
QUESTIONS: Mapping[str, Mapping[str, Read]] = MappingProxyType(
    {
        "AF or not": {
            "CinC 2017": _of_cinc2017,
            "PTB-XL": partial(_of_ptbxl, frozenset({"AFIB"})),
            "MIT-BIH": partial(_of_long, "mitdb-af", _mitdb, fibrillates),
        },
        "ectopic beats or none": {
            "PTB-XL": partial(_of_ptbxl, _ECTOPIC),
            "MIT-BIH": partial(_of_long, "mitdb-ectopy", _mitdb, ectopic),
            "svdb": partial(_of_long, "svdb-ectopy", svdb, ectopic),
        },
    }
)


class Cell(NamedTuple):
    """AUROC of students that one set taught, on another; the mean of the seeds, interval by patient."""

    taught: str
    tested: str
    auroc: Gain


def crossed(
    question: str,
    plan: Plan,
    seeds: Sequence[int],
    work: Path,
    log: Log,
    scale: Scale = _WHOLE,
) -> list[Cell]:
    """All cells of a question."""
    windows = {name: read(scale) for name, read in QUESTIONS[question].items()}
    said = [_answers(question, windows, replace(plan, seed=seed), work, log) for seed in seeds]
    cells = []
    for tested, theirs in windows.items():
        drawn = draws(theirs.of)
        for taught in windows:
            areas = [auroc(each[taught, tested], theirs.sick, drawn) for each in said]
            cells.append(Cell(taught, tested, gain(np.mean(areas, axis=0))))
    return cells


def _answers(
    question: str, windows: Mapping[str, Windows], plan: Plan, work: Path, log: Log
) -> dict[tuple[str, str], npt.NDArray[np.float64]]:
    """Probabilities of one seed's students, by who taught and who is asked; each half by the other's."""
    name = "".join(filter(str.isalnum, question)).lower()
    path = work / f"matrix-{name}-{plan.seed}.npz"
    if not path.is_file():
        log(f"{question}: seed {plan.seed}")
        seen = {tested: features(theirs.ecg, plan.seed) for tested, theirs in windows.items()}
        said = {f"{a}>{b}": np.zeros(len(windows[b].of)) for a in windows for b in windows}
        for taught, own in windows.items():
            for k in range(2):
                learn = own.half != k
                net = _taught(seen[taught][learn], own.sick[learn], plan)
                for tested, theirs in windows.items():
                    mine = theirs.half == k
                    p = probabilities(net, seen[tested][mine], _nothing(mine.sum()))
                    said[f"{taught}>{tested}"][mine] = p
        with atomic_file(path) as file:
            np.savez(file, **said)  # type: ignore[arg-type]
    with npz(path, _REMEDY) as kept:
        return {(a, b): kept[f"{a}>{b}"] for a in windows for b in windows}


def _taught(seen: Floats, shows: Bools, plan: Plan) -> Fused:
    sick = torch.from_numpy(shows.astype(np.float32))

    def loss(logits: Tensor, chosen: npt.NDArray[np.int64], _: float) -> Tensor:
        return risk(logits, sick[chosen], torch.ones(len(chosen)))

    return train(seen, _nothing(len(seen)), loss, plan)


def _nothing(n: int) -> Floats:
    """Covariates of people of whom nothing is known."""
    return np.zeros((n, 4), np.float32)


def _limited(windows: Windows, scale: Scale) -> Windows:
    """At most so many windows, drawn by a fixed seed."""
    rows = np.sort(np.random.default_rng(5).permutation(len(windows.of))[: scale.windows])
    return Windows(windows.ecg[rows], tuple(windows.of[i] for i in rows), windows.sick[rows])
