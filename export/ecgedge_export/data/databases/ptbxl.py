"""PTB-XL: ten seconds of twelve leads, with SCP-ECG statements by cardiologists."""

from __future__ import annotations

import ast
import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ecgedge_bridge.errors import ConfigError
from ecgedge_export.data.build import chosen
from ecgedge_export.data.dataset import Dataset
from ecgedge_export.data.record import Record
from ecgedge_export.data.split import Side, Split

# The diagnostic superclasses of the release's scp_statements.csv.
_MEMBERS = {
    "NORM": "NORM",
    "MI": "AMI ASMI ALMI ILMI IMI INJAL INJAS INJIL INJIN INJLA IPLMI IPMI LMI PMI",
    "STTC": "NDT NST_ DIG LNGQT ISC_ ISCAL ISCAS ISCLA ISCIL ISCIN ISCAN EL ANEUR",
    "CD": "LAFB IRBBB 1AVB IVCD CRBBB CLBBB LPFB WPW ILBBB 3AVB 2AVB",
    "HYP": "LVH LAO/LAE RVH RAO/RAE SEHYP",
}
SUPERCLASSES: Mapping[str, str] = {code: name for name, codes in _MEMBERS.items() for code in codes.split()}
# The same in every header of the release; parsing 21,799 of them takes minutes.
_LEADS = ("I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6")
_DURATION_S = 10  # of every recording
_OLDEST = 90.0  # the release writes 300 for everybody above 89


def ptbxl(record_ids: Sequence[str] | None = None, fs: float = 100.0) -> Iterator[Record]:
    """Yield recordings with statements, fold, patient, age and sex, in order of ``ecg_id`` (the record's id).

    Parameters
    ----------
    record_ids : sequence of str, optional
        The ``ecg_id`` of those that are wanted.
    fs : float
        100 or 500 Hz: the release holds every recording at both.

    Raises
    ------
    ValueError
        Another rate.
    ConfigError
        The data set or a chosen record is not at hand.
    """
    if fs not in (100, 500):
        raise ValueError(f"PTB-XL has no files at {fs} Hz: take 100 or 500 and resample")
    table = _table(DATASET.folder())
    column = "filename_lr" if fs == 100 else "filename_hr"
    with table.open(newline="", encoding="utf-8") as file:
        rows = {row["ecg_id"]: row for row in csv.DictReader(file)}
    paths = {i: table.parent / row[column] for i, row in rows.items()}
    at_hand = {i: path for i, path in paths.items() if path.with_name(f"{path.name}.hea").is_file()}
    for ecg_id, path in chosen("ptb-xl", at_hand, record_ids):
        yield Record(
            "ptb-xl", ecg_id, path, float(fs), round(_DURATION_S * fs), _LEADS, **_said(rows[ecg_id])
        )


def details(*columns: str) -> dict[str, tuple[str, ...]]:
    """Columns of the release's table that a :class:`Record` has no place for, by ``ecg_id``; "" for nothing.

    Raises
    ------
    ConfigError
        The data set is not at hand, or its table lacks a column.
    """
    path = _table(DATASET.folder())
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        if missing := set(columns) - set(rows.fieldnames or ()):
            raise ConfigError(f"{path} has no column {', '.join(sorted(missing))}: fetch it again")
        return {row["ecg_id"]: tuple((row[name] or "").strip() for name in columns) for row in rows}


def superclasses(statements: Mapping[str, float]) -> frozenset[str]:
    """Diagnostic superclasses (NORM, MI, STTC, CD, HYP) of a record's statements, whatever their likelihood.

    The release's own benchmark counts them so (Strodthoff et al., IEEE J Biomed Health Inform 25(5), 2021).

    Examples
    --------
    >>> sorted(superclasses({"IMI": 100.0, "NDT": 50.0, "SR": 0.0}))
    ['MI', 'STTC']
    """
    return frozenset(SUPERCLASSES[code] for code in statements if code in SUPERCLASSES)


def _table(folder: Path) -> Path:
    found = sorted(folder.rglob("ptbxl_database.csv"))
    if not found:
        raise ConfigError(f"no ptbxl_database.csv in {folder}: it has the labels; fetch it")
    return found[0]


def _said(row: dict[str, str]) -> dict[str, Any]:
    return {
        "patient": str(int(float(row["patient_id"]))),
        "statements": ast.literal_eval(row["scp_codes"]),
        "fold": int(float(row["strat_fold"])),
        "age": min(float(row["age"]), _OLDEST) if row["age"] else None,
        "sex": {"0": "M", "1": "F"}.get(row["sex"].split(".")[0], ""),
        "report": row.get("report") or "",
    }


def _side(record: Record) -> Side:
    if record.fold is None:
        return "none"
    return "train" if record.fold <= 8 else "validation" if record.fold == 9 else "test"


DATASET = Dataset(
    name="ptb-xl",
    title="PTB-XL",
    what="21,799 twelve-lead recordings of 10 s, here at 100 Hz, with SCP-ECG statements",
    use="rhythm, twelve-lead teachers, beat classes, waves",
    licence="CC BY 4.0",
    size="0.6 GB",
    citation="Wagner et al., Scientific Data 7:154, 2020",
    release="ptb-xl/1.0.3",
    read=ptbxl,
    split=Split("By patient, the release's own folds: 1 to 8 train, 9 validates, 10 tests.", _side),
    folders=("ptb-xl", "ptb-xl-a-large-publicly-available-electrocardiography-dataset-1.0.3"),
    files=("ptbxl_database.csv", "scp_statements.csv", "records100/*"),
)
