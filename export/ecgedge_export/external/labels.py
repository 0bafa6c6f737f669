"""A table of whole recordings' labels: CSV with ``record,label``, as CinC 2017's ``REFERENCE.csv``."""

from __future__ import annotations

import csv
from pathlib import Path

from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.files import read_text

TABLES = ("REFERENCE.csv", "REFERENCE-v3.csv", "REFERENCE-original.csv", "labels.csv")
_MOST_BYTES = 64 << 20
# What people call atrial fibrillation, a normal rhythm and noise; every other rhythm is another one.
_SPELLINGS = {
    "A": "a af afib atrial-fibrillation atrial-fib vorhofflimmern persistent-af paroxysmal-af",
    "N": "n nsr sr sinus sinus-rhythm normal normal-sinus-rhythm norm",
    "~": "~ noise noisy too-noisy unreadable",
}
CLASS = {spelling: name for name, spellings in _SPELLINGS.items() for spelling in spellings.split()}


def find(folder: Path) -> Path | None:
    """Return the table of a folder, by its name; None where there is none."""
    return next((folder / name for name in TABLES if (folder / name).is_file()), None)


def read(path: Path) -> dict[str, str]:
    """Read a table: the first two columns, with or without a line of names.

    Returns
    -------
    dict of str to str
        N, A, O or ~ by record; a word that is not known is O, another rhythm.

    Raises
    ------
    ConfigError
        It cannot be read, has a line of one cell, or two labels for one record.
    """
    try:
        rows = list(csv.reader(read_text(path, _MOST_BYTES, "utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"cannot read the labels {path} ({error}): write CSV in UTF-8") from error
    labels: dict[str, str] = {}
    for number, row in enumerate(rows, start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or (number == 1 and _is_heading(cells)):
            continue
        if len(cells) < 2 or not (cells[0] and cells[1]):
            raise ConfigError(f"{path}: line {number} has no record and label: write record,label")
        name, label = cells[0].removesuffix(".hea"), class_of(cells[1])
        if labels.setdefault(name, label) != label:
            raise ConfigError(f"{path}: line {number} gives {name} another label: keep one of them")
    if not labels:
        raise ConfigError(f"{path} holds no labels: write record,label in each line")
    return labels


def class_of(label: str) -> str:
    """Class of a label as people write it.

    Examples
    --------
    >>> [class_of(label) for label in ("AFIB", "Sinus rhythm", "~", "LBBB", "atrial_fibrillation")]
    ['A', 'N', '~', 'O', 'A']
    """
    return CLASS.get("-".join(label.casefold().replace("_", " ").split()), "O")


def _is_heading(cells: list[str]) -> bool:
    return len(cells) > 1 and cells[1].casefold() in {"label", "labels", "rhythm", "class", "reference"}
