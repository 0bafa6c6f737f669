"""Lobachevsky University Database: ten seconds of twelve leads, P, QRS and T marked by hand in each lead."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ecgedge_bridge.errors import ConfigError
from ecgedge_export.data import wfdb_files
from ecgedge_export.data.build import chosen, wfdb_record
from ecgedge_export.data.dataset import Dataset
from ecgedge_export.data.record import Record, Wave
from ecgedge_export.data.split import FOLDED_BY_RECORD
from ecgedge_export.data.wfdb_files import Marks

# The code of an annotation to the wave whose peak it marks; borders are "(" and ")" around it.
KINDS = {"p": "P", "N": "QRS", "t": "T"}


def ludb(record_ids: Sequence[str] | None = None) -> Iterator[Record]:
    """Yield recordings with the waves of each lead, labelled with their rhythm; each is one person.

    Cardiologists marked the middle cycles: the first and last wave of a lead may be without marks, and a
    wave at either end without a border.

    Raises
    ------
    ConfigError
        The data set, its table or a chosen record is not at hand.
    """
    folder = DATASET.folder()
    people = _people(folder)
    for name, path in chosen("ludb", wfdb_files.record_paths(folder, r"\d{1,3}"), record_ids):
        leads = wfdb_files.header(path).leads
        by_lead = {lead: waves(wfdb_files.marks(path, lead.lower())) for lead in leads}
        yield wfdb_record("ludb", name, path, waves=by_lead, **people.get(name, {}))


def waves(marks: Marks) -> tuple[Wave, ...]:
    """Waves of one lead: a peak with the "(" right before it and the ")" right after it."""
    at, symbols = marks.sample.tolist(), [" ", *marks.symbol.tolist(), " "]
    found = []
    for i, (peak, symbol) in enumerate(zip(at, marks.symbol.tolist(), strict=True)):
        if symbol in KINDS:
            onset = at[i - 1] if symbols[i] == "(" else None
            end = at[i + 1] if symbols[i + 2] == ")" else None
            found.append(Wave(KINDS[symbol], onset, peak, end))
    return tuple(found)


def _people(folder: Path) -> dict[str, dict[str, Any]]:
    table = folder / "ludb.csv"
    if not table.is_file():
        raise ConfigError(f"no ludb.csv in {folder}: it has age, sex and diagnoses; fetch it")
    with table.open(newline="", encoding="utf-8-sig") as file:
        return {row["ID"].strip(): _person(row) for row in csv.DictReader(file)}


def _person(row: dict[str, str]) -> dict[str, Any]:
    # Cells end in a line feed; several diagnoses stand in as many lines; the oldest are ">89".
    age = row["Age"].strip().lstrip(">")
    return {
        "age": float(age) if age else None,
        "sex": row["Sex"].strip(),
        "label": row["Rhythms"].strip().partition("\n")[0],
    }


DATASET = Dataset(
    name="ludb",
    title="Lobachevsky University Database",
    what="200 people, 10 s of twelve leads at 500 Hz, P, QRS and T marked by hand in every lead",
    use="waves",
    licence="ODC-By 1.0",
    size="0.1 GB",
    citation="Kalyakulina et al., IEEE Access 8, 2020",
    release="ludb/1.0.1",
    read=ludb,
    split=FOLDED_BY_RECORD,
    folders=("ludb", "lobachevsky-university-electrocardiography-database-1.0.1"),
    files=("data/*", "ludb.csv", "RECORDS"),
)
