"""Find, unpack and read data sets in the layout of their official releases."""

from __future__ import annotations

import csv
import os
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import wfdb

from ecgedge_bridge.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Record:
    """One labelled recording.

    ``mv`` is float32 of shape (n,) in mV at ``fs`` Hz, ``label`` as its data set names it.
    """

    id: str
    mv: npt.NDArray[np.float32]
    fs: float
    label: str


def cache_dir() -> Path:
    """Folder for unpacked archives and prepared signals, after the XDG convention."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "ecgedge"


def data_roots() -> list[Path]:
    """Where data sets are looked for, in order: ``$ECGEDGE_DATA``, ``../shared/data``, the user's cache."""
    named = os.environ.get("ECGEDGE_DATA")
    return [*([Path(named)] if named else []), Path("../shared/data"), cache_dir() / "data"]


def find(name: str, folder: str) -> Path:
    """Return the folder of data set ``name``, unpacking ``name.tar.xz`` into the cache the first time.

    Raises
    ------
    ConfigError
        The data set is in none of the roots.
    """
    for root in data_roots():
        if (root / folder).is_dir():
            return root / folder
        archive = root / f"{name}.tar.xz"
        if archive.is_file():
            return _unpacked(archive, folder)
    raise ConfigError(
        f"data set {name!r} is not in {', '.join(map(str, data_roots()))}: "
        "download it and point ECGEDGE_DATA at its folder"
    )


def _unpacked(archive: Path, folder: str) -> Path:
    target = cache_dir() / "data" / folder
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as part, tarfile.open(archive) as tar:
            tar.extractall(part, filter="data")
            (Path(part) / folder).rename(target)  # whole or not at all
    return target


def cinc2017() -> Iterator[Record]:
    """Yield the CinC 2017 training records with the labels of release v3, in order of their names."""
    folder = find("cinc2017", "training2017")
    labels = _reference(folder)
    for record_id in sorted(labels):
        wave = wfdb.rdrecord(str(folder / record_id))
        yield Record(record_id, wave.p_signal[:, 0].astype(np.float32), float(wave.fs), labels[record_id])


def _reference(folder: Path) -> dict[str, str]:
    for path in (folder / "REFERENCE-v3.csv", folder.parent / "REFERENCE-v3.csv"):
        if path.is_file():
            with path.open(newline="") as file:
                return {row[0]: row[1] for row in csv.reader(file) if (folder / f"{row[0]}.hea").is_file()}
    raise ConfigError(f"no REFERENCE-v3.csv in {folder}: take it from the challenge's page and put it there")


@dataclass(frozen=True, slots=True)
class Annotated:
    """A long recording with its annotations.

    ``mv`` is one channel, float32 of shape (n,), in mV at ``fs`` Hz; ``beats`` are sample indices with
    their ``symbols``, ``rhythms`` are (start, name).
    """

    id: str
    mv: npt.NDArray[np.float32]
    fs: float
    beats: npt.NDArray[np.int64]
    symbols: list[str]
    rhythms: list[tuple[int, str]]


BEAT_SYMBOLS = frozenset("NLRBAaJSVrFejnE/fQ?")


def mitdb(record_ids: Sequence[str], channel: int = 0) -> Iterator[Annotated]:
    """Yield one channel of records of the MIT-BIH Arrhythmia Database."""
    folder = find("mitdb", "mitdb")
    for record_id in record_ids:
        wave = wfdb.rdrecord(str(folder / record_id), channels=[channel])
        notes = wfdb.rdann(str(folder / record_id), "atr")
        marks = list(zip(notes.sample.tolist(), notes.symbol, notes.aux_note, strict=True))
        beats = [(at, symbol) for at, symbol, _ in marks if symbol in BEAT_SYMBOLS]
        yield Annotated(
            record_id,
            wave.p_signal[:, 0].astype(np.float32),
            float(wave.fs),
            np.array([at for at, _ in beats], np.int64),
            [symbol for _, symbol in beats],
            [(at, aux.strip("(\x00")) for at, symbol, aux in marks if symbol == "+" and aux.startswith("(")],
        )
