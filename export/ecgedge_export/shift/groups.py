"""The shipped rhythm model by groups: who is served worst, by site, device, age, sex, rate and noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.monitor import Models
from ecgedge.rhythm.model import RhythmModel
from ecgedge.whole_recording import classify
from ecgedge_bridge.files import atomic_file
from ecgedge_export import data
from ecgedge_export.archives import npz
from ecgedge_export.data import Record
from ecgedge_export.data.databases.ptbxl import details
from ecgedge_export.pretrain.scores import draws
from ecgedge_export.rhythm.conditions import AGES
from ecgedge_export.rhythm.scores import Gain
from ecgedge_export.rhythm.twelve_leads import label
from ecgedge_export.shift.scores import gain, mean
from ecgedge_export.splits import is_validation

Bools = npt.NDArray[np.bool_]
Log = Callable[[str], None]

# Fold 9 alone has 13 people with AF. Folds 7 and 8 trained nothing; they chose the limits of AF or not, which
# labels do not use.
FOLDS = (7, 8, 9)
LEAST = 30  # records of a group: with fewer an interval says nothing
RATES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"below 60": (0, 60), "60 to 99": (60, 100), "100 and more": (100, 999)}
)
_PORTION = 200  # records between two files
_NOISE_COLUMNS = ("baseline_drift", "static_noise", "burst_noise")


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """Records of one data set with what the model said: ``right`` (n,) is whether the label is the true one.

    ``groups`` are by kind (such as "sex") the name of each record's group, "" where it is not known.
    """

    name: str
    patients: tuple[str, ...]
    right: Bools
    groups: Mapping[str, tuple[str, ...]]


class Group(NamedTuple):
    """A group: its share of right labels, and how far that lies from everybody else's."""

    kind: str
    name: str
    records: int
    right: Gain
    to_others: Gain


def cinc2017(model: RhythmModel, work: Path, log: Log, limit: int | None = None) -> Answered:
    """The validation records of CinC 2017 that are not labelled too noisy: by rate and noise.

    Neither age, sex, site nor device are known of them.
    """
    records = [r for r in data.cinc2017() if is_validation(r.id) and r.label != "~"]
    records, said = _spread(records, limit), "CinC 2017"
    found = _classified(model, said, records, work, log)
    right = np.array([r.label == one for r, one in zip(records, found.labels, strict=True)])
    groups = {"rate": _rates(found.bpm), "signal": _usable(found.usable)}
    return Answered(said, tuple(r.id for r in records), right, groups)


def ptbxl(model: RhythmModel, work: Path, log: Log, limit: int | None = None) -> Answered:
    """Lead I of PTB-XL, where the statements name a rhythm: by everything that is known of a record."""
    every = [r for r in data.ptbxl() if r.fold in FOLDS and label(r.statements)]
    records, said = _spread(every, limit), "PTB-XL"
    found = _classified(model, said, records, work, log)
    right = np.array([label(r.statements) == one for r, one in zip(records, found.labels, strict=True)])
    known = details("site", "device", *_NOISE_COLUMNS)
    noted = [any(known[r.id][2:]) for r in records]
    groups = {
        "rate": _rates(found.bpm),
        "signal": _usable(found.usable),
        "noise noted": tuple("yes" if one else "no" for one in noted),
        "age": tuple(_age(r.age) for r in records),
        "sex": tuple({"F": "women", "M": "men"}.get(r.sex, "") for r in records),
        "site": tuple(known[r.id][0].split(".")[0] for r in records),
        "device": tuple(" ".join(known[r.id][1].split()) for r in records),
    }
    return Answered(said, tuple(r.patient for r in records), right, groups)


def table(answered: Answered) -> list[Group]:
    """All groups of 30 records and more, the worst first; everybody is the last row."""
    drawn = draws(answered.patients)
    right = answered.right.astype(np.float64)
    rows = [
        _group(kind, name, np.array(names) == name, right, drawn)
        for kind, names in answered.groups.items()
        for name in sorted(set(names) - {""})
        if names.count(name) >= LEAST and names.count(name) < len(names)
    ]
    everybody = Group("everybody", "", len(right), mean(right, drawn), Gain(0.0, 0.0, 0.0))
    return [*sorted(rows, key=lambda row: row.right.gain), everybody]


def _group(
    kind: str, name: str, inside: Bools, right: npt.NDArray[np.float64], drawn: npt.NDArray[np.float32]
) -> Group:
    weights = [drawn * side for side in (inside, ~inside)]
    ours, theirs = ((w @ right) / np.maximum(w.sum(axis=1), 1) for w in weights)
    return Group(kind, name, int(inside.sum()), gain(ours), gain(ours - theirs))


class _Said(NamedTuple):
    labels: list[str]
    usable: npt.NDArray[np.float64]
    bpm: npt.NDArray[np.float64]


def _classified(model: RhythmModel, name: str, records: Sequence[Record], work: Path, log: Log) -> _Said:
    """What ``ecgedge.classify`` says, gate included; 200 records at a time are kept in ``work``."""
    digest = next(iter(model.manifest.backends.values())).sha256[:12]
    stem = f"groups-{name.lower().replace(' ', '-')}-{digest}-{len(records)}"
    models, parts = Models.load(rhythm=model), []
    for start in range(0, len(records), _PORTION):
        path = work / f"{stem}-{start}.npz"
        if not path.is_file():
            log(f"{name}: record {start + 1} and on of {len(records)} through ecgedge.classify")
            found = [classify(r.mv, r.fs, models=models) for r in records[start : start + _PORTION]]
            bpm = [np.nan if c.heart_rate_bpm is None else c.heart_rate_bpm for c in found]
            said, usable = [c.label for c in found], [c.usable_fraction for c in found]
            with atomic_file(path) as file:
                np.savez(file, label=said, usable=usable, bpm=bpm)
        with npz(path, "delete it, it is made again") as kept:
            parts.append(_Said(kept["label"].tolist(), kept["usable"], kept["bpm"]))
    labels = [label for part in parts for label in part.labels]
    return _Said(labels, *(np.concatenate([part[k] for part in parts]) for k in (1, 2)))


def _rates(bpm: npt.NDArray[np.float64]) -> tuple[str, ...]:
    def named(rate: float) -> Iterator[str]:
        yield from (name for name, (low, high) in RATES.items() if low <= rate < high)

    return tuple(next(named(rate), "") for rate in bpm)


def _usable(share: npt.NDArray[np.float64]) -> tuple[str, ...]:
    return tuple("all usable" if one >= 1 else "some refused by the gate" for one in share)


def _age(age: float | None) -> str:
    return next((name for name, low, high in AGES if age is not None and low <= age < high), "")


def _spread(records: Sequence[Record], limit: int | None) -> list[Record]:
    """All records, or some of them, evenly spread."""
    return list(records[:: max(1, len(records) // limit)] if limit else records)
