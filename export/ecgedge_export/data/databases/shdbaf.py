"""SHDB-AF: Japanese Holter recordings of a day, AF episodes annotated; for external tests only."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ecgedge_bridge.errors import ConfigError
from ecgedge_export.data.build import chosen, wfdb_record
from ecgedge_export.data.dataset import Dataset
from ecgedge_export.data.record import Record
from ecgedge_export.data.split import Split
from ecgedge_export.data.wfdb_files import record_paths

# One recording under two names, by the release's own SHA256SUMS (signal and beats): left out where all are
# asked for, or it would count twice.
SAME_RECORDING = {"020": "005"}


def shdbaf(record_ids: Sequence[str] | None = None) -> Iterator[Record]:
    """Yield records with rhythms AFIB, AFL, AT, AB, PAT, NOD and N (all others), and beats from ``.qrs``.

    The leads are ECG1 (modified CC5) and ECG2 (NASA). A rhythm stands in the text of an annotation at its
    first beat, whatever its code; the release has a comment at every beat and no ``+``. N is all that is no
    supraventricular arrhythmia, noise among it. AF and flutter keep their own names: whether to merge them is
    the reader's choice. Recordings without rhythm annotations have none. Patients, of whom some have two
    recordings, age and sex are in ``AdditionalData.csv``. 020 is the same recording as 005 and is left out
    unless it is asked for.

    Raises
    ------
    ConfigError
        The data set, its table or a chosen record is not at hand.
    """
    folder = DATASET.folder()
    people = _people(folder)
    paths = record_paths(folder, r"\d{3}")
    wanted = record_ids if record_ids is not None else [name for name in paths if name not in SAME_RECORDING]
    for name, path in chosen("shdb-af", paths, wanted):
        if name not in people:
            raise ConfigError(f"AdditionalData.csv in {folder} lacks {name}: fetch the data set again")
        yield wfdb_record("shdb-af", name, path, beats="qrs", **people[name])


def _people(folder: Path) -> dict[str, dict[str, Any]]:
    table = next(iter(sorted(folder.rglob("AdditionalData.csv"))), None)
    if table is None:
        raise ConfigError(f"no AdditionalData.csv in {folder}: it says who is whom; fetch it")
    with table.open(newline="", encoding="utf-8-sig") as file:
        # Three digits, as the files are named.
        return {row["Data_ID"].strip().zfill(3): _person(row) for row in csv.DictReader(file)}


def _person(row: dict[str, str]) -> dict[str, Any]:
    return {
        "patient": row["Subject_ID"].strip(),
        "age": float(row["Age_at_Holter"]) if row.get("Age_at_Holter", "").strip() else None,
        "sex": row.get("Sex", "").strip()[:1].upper(),
    }


DATASET = Dataset(
    name="shdb-af",
    title="SHDB-AF",
    what="128 day-long recordings of 122 people, two leads at 200 Hz, AF episodes in 98",
    use="AF episodes",
    licence="ODC-By 1.0",
    size="9 GB",
    citation="Tsutsui et al., Scientific Data 12, 2025",
    release="shdb-af/1.0.1",
    read=shdbaf,
    split=Split("External test only: all of it tests.", lambda record: "test"),
    folders=("shdb-af", "shdb-af-a-japanese-holter-ecg-database-of-atrial-fibrillation-1.0.1"),
)
