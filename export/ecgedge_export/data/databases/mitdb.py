"""MIT-BIH Arrhythmia Database: half hours with every beat annotated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ecgedge_export.data.build import chosen, wfdb_record
from ecgedge_export.data.dataset import Dataset
from ecgedge_export.data.record import Record
from ecgedge_export.data.split import Side, Split
from ecgedge_export.data.wfdb_files import header, record_paths

# De Chazal, O'Dwyer and Reilly, IEEE Trans Biomed Eng 51(7), 2004: no patient is on both sides, except that
# 201 and 202 are one person; the paced records are left out.
DS1 = tuple("101 106 108 109 112 114 115 116 118 119 122 124 201 203 205 207 208 209 215 220 223 230".split())
DS2 = tuple("100 103 105 111 113 117 121 123 200 202 210 212 213 214 219 221 222 228 231 232 233 234".split())
SAME_PERSON = {"202": "201"}  # the database directory says so


def mitdb(record_ids: Sequence[str] | None = None) -> Iterator[Record]:
    """Yield records with beats, rhythms, quality, age and sex.

    The first lead is the upper signal: MLII but for 102, 104 and 114 (V5).

    Raises
    ------
    ConfigError
        The data set or a chosen record is not at hand.
    """
    paths = record_paths(DATASET.folder(), r"[12]\d\d")
    for name, path in chosen("mitdb", paths, record_ids):
        yield wfdb_record("mitdb", name, path, patient=SAME_PERSON.get(name, name), **_person(path))


def _person(path: Path) -> dict[str, Any]:
    """Age and sex from the first comment, such as ``69 M 1085 1629 x1``; an age of -1 is unknown."""
    for line in header(path).comments:
        if found := re.match(r"\s*(-?\d+) ([MF])\b", line):
            age = float(found[1])
            return {"age": age if age >= 0 else None, "sex": found[2]}
    return {}


def _side(record: Record) -> Side:
    if record.id in DS2:
        return "test"
    return "train" if record.id in DS1 and record.id != "201" else "none"


DATASET = Dataset(
    name="mitdb",
    title="MIT-BIH Arrhythmia Database",
    what="48 half hours of two leads at 360 Hz, every beat and rhythm annotated",
    use="beats, beat classes",
    licence="ODC-By 1.0",
    size="0.1 GB",
    citation="Moody and Mark, IEEE Eng Med Biol 20(3), 2001",
    release="mitdb/1.0.0",
    read=mitdb,
    split=Split(
        "By patient: de Chazal's DS1 trains but for 201, who is also 202 of DS2; DS2 tests; the paced "
        "records are in neither.",
        _side,
    ),
    folders=("mitdb", "mit-bih-arrhythmia-database-1.0.0"),
    files=("[12]??.*", "RECORDS"),
)
