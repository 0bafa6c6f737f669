"""Records of a folder, each with its signal and the labels that lie beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ecgedge.recording.load import Recording, load
from ecgedge.recording.wfdb.header import NULL, read_header
from ecgedge_bridge.errors import ConfigError
from ecgedge_export.data.build import episodes
from ecgedge_export.data.record import BEAT_SYMBOLS, LEARNING_S, Record
from ecgedge_export.data.wfdb_files import Marks, flutter_changes, marks, rhythm_changes
from ecgedge_export.ec57.annotations import ec57_codes

# Suffixes of reference annotations on PhysioNet, the commonest first: atr is a person's, qrs and ecg are of
# sets that have only beats.
ANNOTATORS = ("atr", "qrs", "ecg")
# In a record shorter than twice EC57's learning time more would be left out than scored.
SHORTEST_S = 2 * LEARNING_S


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user says of the records; None where they say it themselves.

    Parameters
    ----------
    lead : str or int, optional
        Name or number of the signal, from 0; by default the one that ``ecgedge.read`` would take.
    annotators : sequence of str
        Suffixes of annotation files; of those that are there the first one counts.
    learning_s : float, optional
        What EC57 leaves out at the beginning; by default five minutes, and nothing of a record that is
        shorter than ten.

    Raises
    ------
    ConfigError
        What is given is no suffix.
    """

    lead: str | int | None = None
    annotators: Sequence[str] = ANNOTATORS
    learning_s: float | None = None

    def __post_init__(self) -> None:
        """Refuse suffixes that lead elsewhere."""
        for suffix in self.annotators:
            if not (suffix.isascii() and suffix.isalnum()):
                raise ConfigError(f"annotator {suffix[:20]!r}: give a suffix of letters and digits")


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """A record with its signal and its labels.

    ``record`` has beats by the rules of papers (escape beats are N), ``reference`` by those of EC57 (they are
    S, and flutter is left out); ``label`` is that of the whole recording, "" where there is none.
    """

    record: Record
    reference: Record
    signal: Recording
    annotator: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record that cannot be scored, and why."""

    id: str
    reason: str


def names(folder: Path) -> list[str]:
    """Records anywhere below a folder, as paths from it without suffix; segments of records are none.

    Raises
    ------
    ConfigError
        There is no such folder, or no record in it.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder} is no folder: name one with WFDB records (.hea)")
    headers = sorted(folder.rglob("*.hea"))
    segments = {path for header in headers for path in _segments(header)}
    found = [path.relative_to(folder).with_suffix("").as_posix() for path in headers if path not in segments]
    if not found:
        raise ConfigError(f"{folder} holds no WFDB record: name a folder with .hea files, or one above them")
    return found


def _segments(header: Path) -> Iterator[Path]:
    """Headers of a record's segments; of one that cannot be read there are none, and it is told later."""
    try:
        parts = read_header(header).segments
    except ConfigError:
        return
    yield from (header.with_name(f"{part.name}.hea") for part in parts if part.name != NULL)


def label_of(name: str, labels: Mapping[str, str]) -> str:
    """Label of a whole recording, by its path from the folder or its name; "" where there is none."""
    return labels.get(name, labels.get(Path(name).name, ""))


def read(folder: Path, name: str, wish: Wish, label: str = "") -> Labelled:
    """Read a record with what lies beside it.

    Parameters
    ----------
    folder : Path
    name : str
        One of :func:`names`.
    wish : Wish
    label : str
        Of the whole recording, see :func:`label_of`.

    Raises
    ------
    ConfigError
        It cannot be read, has no ECG, or no labels.
    """
    path = folder / name
    annotator = next((a for a in wish.annotators if path.with_name(f"{path.name}.{a}").is_file()), "")
    if not annotator and not label:
        raise ConfigError(
            f"it has no annotation file ({', '.join(wish.annotators)}) and no label: name another --annotator"
        )
    signal = load(path.with_name(f"{path.name}.hea"), channel=wish.lead)
    record = _record(path, name, signal, marks(path, annotator) if annotator else None, wish)
    reference = replace(record, symbols=np.array(ec57_codes(record.symbols.tolist()), np.str_))
    return Labelled(replace(record, label=label), reference, signal, annotator, label)


def _record(path: Path, name: str, signal: Recording, notes: Marks | None, wish: Wish) -> Record:
    n, fs = len(signal.mv), signal.fs
    learning_s = wish.learning_s
    if learning_s is None:
        learning_s = LEARNING_S if n / fs >= SHORTEST_S else 0.0
    record = Record("external", name, path, fs, n, (signal.channel,), name, learning_s=learning_s)
    if notes is None:
        return record
    # Annotations count frames of the header; a signal may have several samples in each.
    scale = fs / (notes.fs or read_header(path.with_name(f"{path.name}.hea")).fs)
    at, symbols = notes.only(BEAT_SYMBOLS)
    rhythms, flutter = (
        episodes(((round(sample * scale), text) for sample, text in changes), n)
        for changes in (rhythm_changes(notes), flutter_changes(notes))
    )
    beats = np.clip(np.round(at * scale).astype(np.int64), 0, n - 1)
    return replace(record, beats=beats, symbols=symbols, rhythms=rhythms + flutter)
