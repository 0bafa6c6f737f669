"""MIT-BIH Arrhythmia Database: half hours with every beat annotated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ecgedge_export.data.build import chosen, wfdb_record
from ecgedge_export.data.catalogue import DATASETS
from ecgedge_export.data.record import Record
from ecgedge_export.data.wfdb_files import header, record_paths

SAME_PERSON = {"202": "201"}  # the database directory says so


def mitdb(record_ids: Sequence[str] | None = None) -> Iterator[Record]:
    """Yield records with beats, rhythms, quality, age and sex.

    The first lead is the upper signal: MLII but for 102, 104 and 114 (V5).

    Raises
    ------
    ConfigError
        The data set or a chosen record is not at hand.
    """
    paths = record_paths(DATASETS["mitdb"].folder(), r"[12]\d\d")
    for name, path in chosen("mitdb", paths, record_ids):
        yield wfdb_record("mitdb", name, path, patient=SAME_PERSON.get(name, name), **_person(path))


def _person(path: Path) -> dict[str, Any]:
    """Age and sex from the first comment, such as ``69 M 1085 1629 x1``; an age of -1 is unknown."""
    for line in header(path).comments:
        if found := re.match(r"\s*(-?\d+) ([MF])\b", line):
            age = float(found[1])
            return {"age": age if age >= 0 else None, "sex": found[2]}
    return {}
