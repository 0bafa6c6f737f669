"""Recordings of your own for the rhythm network: a folder, and a table with a label for each file.

Files are read as :func:`ecgedge.load` reads them, and filtered as they would be live. A file becomes pieces
of :data:`PIECE_S` seconds, since training draws one window from each piece in each epoch; none spans a gap.
All pieces of a patient are on one side: patients are ordered by a hash of their name, and of each class the
first ones validate.
"""

from __future__ import annotations

import csv
import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.artefacts.manifest import Dataset as Source
from ecgedge.recording import load
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.files import read_text
from ecgedge_bridge.schema import hint
from ecgedge_export import data, prepare
from ecgedge_export.prepare import Prepared
from ecgedge_export.recipe import OwnData, Recipe
from ecgedge_export.rhythm.augment import Augmenter
from ecgedge_export.rhythm.build import Own, Sets
from ecgedge_export.rhythm.shipped import folder_of

Log = Callable[[str], None]
# The longest recordings of CinC 2017, which training and augmentation were chosen on, have 61 s.
PIECE_S = 60.0
# A row of a table is a file name, a label and three more cells.
_MOST_TABLE_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: which stretch of which file has which label, and whose it is."""

    file: str
    label: str
    patient: str
    start_s: float = 0.0
    end_s: float = math.inf

    @property
    def id(self) -> str:
        """File, and its stretch where it is not all of it."""
        whole = self.start_s == 0 and self.end_s == math.inf
        return self.file if whole else f"{self.file} {self.start_s:g}-{self.end_s:g} s"


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """A labelled stretch of a file, as it was recorded: float32 in mV, NaN where samples are missing."""

    id: str
    label: str
    patient: str
    mv: npt.NDArray[np.float32]
    fs: float


class Divided(NamedTuple):
    """Rows on both sides of the split; no patient is on two."""

    train: list[Row]
    validation: list[Row]


def load_sets(recipe: Recipe, own: OwnData, path: Path, log: Log) -> Sets:
    """Read, divide and filter the recordings that a recipe names.

    Parameters
    ----------
    recipe : Recipe
    own : OwnData
        The recipe's ``[data]``.
    path : Path
        The recipe's file, which folders are relative to.
    log : callable
        Takes warnings and progress.

    Raises
    ------
    ConfigError
        The folder, the table or a recording cannot be used, or a class has fewer than two patients.
    """
    folder = path.parent / own.folder
    rows = read_table(table_path(own, path), own, recipe.classes, log)
    sides = divide(rows, own.validation_percent)
    log(f"{folder}: {len(sides.train)} stretches train, {len(sides.validation)} validate")
    validation = [_stretch(folder, row, own) for row in sides.validation]
    pieces = [
        _pieces((_stretch(folder, row, own) for row in sides.train), recipe),
        _pieces(validation, recipe),
    ]
    for side, prepared in zip(("train", "validate"), pieces, strict=True):
        missing = set(recipe.classes) - set(prepared.labels) - _noise(recipe)
        if missing:
            raise ConfigError(
                f"{folder}: nothing of {', '.join(sorted(missing))} to {side} with is as long as "
                f"{recipe.min_window_s:g} s without a gap: add recordings"
            )
    noise = _nstdb(recipe.fs, log)
    augmenter = Augmenter(recipe.fs, recipe.n_samples, recipe.clip, recipe.augment, noise)
    sources = [Source(own.title, own.licence, len(sides.train), "")]
    if noise:
        sources.append(data.DATASETS["nstdb"].source(len(noise)))
    start = folder_of(recipe.init, path)
    train, validates = pieces
    described = Own(tuple(validation), tuple(sources), _statement(own, rows))
    return Sets(train, validates, augmenter, described, start)


def table_path(own: OwnData, recipe: Path) -> Path:
    """Where the table of labels is: beside the recipe, or else in the folder."""
    places = recipe.parent / own.labels, recipe.parent / own.folder / own.labels
    for place in places:
        if place.is_file():
            return place
    raise ConfigError(f"{recipe}: data.labels: there is neither {places[0]} nor {places[1]}: write the table")


def read_table(path: Path, own: OwnData, classes: Sequence[str], log: Log) -> list[Row]:
    """Read the table of labels; a warning where it names no patients.

    Raises
    ------
    ConfigError
        A column, a label or a time is not what it has to be; the message has the line.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "labels.csv")
    >>> _ = path.write_text("file,label,patient\\na.csv,afib,p1\\n")
    >>> read_table(path, OwnData("."), ["afib", "sinus"], print)
    [Row(file='a.csv', label='afib', patient='p1', start_s=0.0, end_s=inf)]
    """
    if path.stat().st_size > _MOST_TABLE_BYTES:
        raise ConfigError(f"{path} is larger than {_MOST_TABLE_BYTES >> 20} MB: that is no table of labels")
    try:
        text = read_text(path, _MOST_TABLE_BYTES, "utf-8-sig")
        lines = csv.DictReader(text.splitlines(), skipinitialspace=True)
        columns = [name.strip() for name in lines.fieldnames or ()]
        lines.fieldnames = columns
        cells = list(lines)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path} cannot be read as a table ({error}): write CSV in UTF-8") from error
    for name in ("file", "label"):
        if name not in columns:
            raise ConfigError(
                f"{path} has no column {name!r} ({hint(name, columns or ['file'])}): name the columns"
            )
    if own.patient not in columns:
        log(
            f"{path} has no column {own.patient!r}: each file counts as a patient. If a person has several "
            "files, the figures will be too good: add the column"
        )
    rows = [_row(path, number, cell, own, classes) for number, cell in enumerate(cells, 2)]
    if not rows:
        raise ConfigError(f"{path} holds no rows: name the recordings")
    return rows


def _row(
    path: Path, number: int, cell: Mapping[str, str | None], own: OwnData, classes: Sequence[str]
) -> Row:
    def text(name: str) -> str:
        return (cell.get(name) or "").strip()

    place = f"{path}, line {number}"
    label = own.names.get(text("label"), text("label"))
    if label not in classes:
        raise ConfigError(
            f"{place}: {label[:60]!r} is no class of the recipe ({hint(label, classes)}): add it to classes, "
            "map it in [data.names], or leave the line out"
        )
    file = text("file")
    if not file or Path(file).is_absolute() or ".." in Path(file).parts:
        raise ConfigError(f"{place}: file = {file[:60]!r} must name a file inside the folder")
    patient = text(own.patient) or file
    return Row(file, label, patient, *(_seconds(place, name, text(name)) for name in ("start_s", "end_s")))


def _seconds(place: str, name: str, text: str) -> float:
    if not text:
        return 0.0 if name == "start_s" else math.inf
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < 1e9:
        raise ConfigError(f"{place}: {name} = {text[:60]!r} is no number of seconds: correct it")
    return value


def divide(rows: Sequence[Row], validation_percent: int) -> Divided:
    """Divide by patient: of each class the first ones by a hash of their names validate.

    A hash alone, as for the large data sets, would leave a class of ten patients without one who validates
    one time in twenty. A patient with several classes validates as soon as one of them asks for it.

    Raises
    ------
    ConfigError
        A class has fewer than two patients, or no patient who could train it.

    Examples
    --------
    >>> rows = [Row(f"{i}.csv", "NA"[i % 2], f"p{i}") for i in range(8)]
    >>> [len(side) for side in divide(rows, 25)]
    [6, 2]
    """
    chosen: set[str] = set()
    for label in sorted({row.label for row in rows}):
        patients = sorted({row.patient for row in rows if row.label == label}, key=_place)
        if len(patients) < 2:
            raise ConfigError(
                f"only the patient {patients[0][:60]!r} has {label!r}: "
                "one has to train and another to validate"
            )
        chosen |= set(patients[: math.ceil(len(patients) * validation_percent / 100)])
    sides = Divided(
        [row for row in rows if row.patient not in chosen], [row for row in rows if row.patient in chosen]
    )
    if untaught := {row.label for row in rows} - {row.label for row in sides.train}:
        raise ConfigError(
            f"no patient is left to train {', '.join(sorted(untaught))} with: add patients, or lower "
            "validation_percent"
        )
    return sides


def _place(patient: str) -> str:
    return hashlib.sha256(f"own-1:{patient}".encode()).hexdigest()


def _stretch(folder: Path, row: Row, own: OwnData) -> Stretch:
    channel = None if own.channel == "" else own.channel
    recording = load(folder / row.file, own.fs, channel, own.unit or None)
    a = round(row.start_s * recording.fs)
    b = len(recording.mv) if row.end_s == math.inf else round(row.end_s * recording.fs)
    if not a < min(b, len(recording.mv)):
        raise ConfigError(f"{row.id}: the file has {recording.duration_s:.1f} s: correct start_s and end_s")
    return Stretch(row.id, row.label, row.patient, recording.mv[a:b], recording.fs)


def _pieces(stretches: Sequence[Stretch] | Iterator[Stretch], recipe: Recipe) -> Prepared:
    """Filtered pieces without gaps, none shorter than the shortest window that the model is given."""
    found = Prepared([], [], [])
    for stretch in stretches:
        for run in _runs(stretch.mv, round(recipe.min_window_s * stretch.fs)):
            signal = prepare.filtered(run, stretch.fs, recipe.fs)
            count = max(1, round(len(signal) / (PIECE_S * recipe.fs)))
            for piece in np.array_split(signal, count):
                found.ids.append(f"{stretch.id} #{len(found.ids)}")
                found.labels.append(stretch.label)
                found.signals.append(piece)
    return found


def _runs(mv: npt.NDArray[np.float32], shortest: int) -> list[npt.NDArray[np.float32]]:
    """Uninterrupted stretches of at least so many samples."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], np.isfinite(mv), [False]]).astype(np.int8)))
    return [mv[a:b] for a, b in edges.reshape(-1, 2) if b - a >= shortest]


def _noise(recipe: Recipe) -> set[str]:
    """Classes that may be without recordings: the gate refuses noise before the model sees it."""
    return {name for name, role in recipe.roles.items() if role == "noise"}


def _nstdb(fs: float, log: Log) -> list[prepare.Signal]:
    """MIT's recordings of noise, where they are at hand."""
    try:
        return list(prepare.nstdb(fs).values())
    except ConfigError:
        log(
            "nstdb is not at hand: training without added noise ('ecgedge-export data fetch nstdb' brings it)"
        )
        return []


def _statement(own: OwnData, rows: Sequence[Row]) -> str:
    patients = len({row.patient for row in rows})
    labels = Counter(row.label for row in rows)
    counts = ", ".join(f"{n} {label}" for label, n in sorted(labels.items()))
    by_file = all(row.patient == row.file for row in rows)
    kind = "file, since no patients are known" if by_file else "patient"
    return (
        f"{len(rows)} stretches ({counts}) of {patients} patients. By {kind}: of each class the first "
        f"{own.validation_percent} % in the order of sha256('own-1:' patient) validate, the rest trains."
    )
