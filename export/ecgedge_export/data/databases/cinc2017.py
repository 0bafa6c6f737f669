"""PhysioNet/CinC Challenge 2017: short hand-held recordings with one rhythm label each."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from ecgedge_bridge.errors import ConfigError
from ecgedge_export.data.build import chosen, wfdb_record
from ecgedge_export.data.dataset import Dataset
from ecgedge_export.data.record import Record
from ecgedge_export.data.split import VALIDATION_PERCENT, Split, percent
from ecgedge_export.data.wfdb_files import record_paths

# The same recording under two names, found by comparing the samples.
SAME_RECORDING = {"A01176": "A00227", "A03123": "A02656"}


def cinc2017(record_ids: Sequence[str] | None = None) -> Iterator[Record]:
    """Yield training records, labelled N, A, O or ~ after release v3 of the reference.

    Reads the challenge's ``training2017`` folder and PhysioNet's ``training/A00`` to ``A08``. No patients are
    known; ``patient`` is the record, and one and the same for the two recordings that occur twice.

    Raises
    ------
    ConfigError
        The data set, its reference or a chosen record is not at hand.
    """
    folder = DATASET.folder()
    labels = _reference(folder)
    training = folder / "training"  # beside it PhysioNet has validation/, a copy of 300 of its records
    found = record_paths(training if training.is_dir() else folder, r"A\d{5}")
    paths = {name: path for name, path in found.items() if name in labels}
    for name, path in chosen("cinc2017", paths, record_ids):
        patient = SAME_RECORDING.get(name, name)
        yield wfdb_record("cinc2017", name, path, label=labels[name], patient=patient)


def _reference(folder: Path) -> dict[str, str]:
    for path in (folder / "REFERENCE-v3.csv", folder.parent / "REFERENCE-v3.csv"):
        if path.is_file():
            with path.open(newline="") as file:
                return {row[0]: row[1] for row in csv.reader(file) if row}
    raise ConfigError(f"no REFERENCE-v3.csv in {folder}: take it from the challenge's page and put it there")


def is_validation(record_id: str) -> bool:
    """Tell whether a CinC 2017 record belongs to the validation split ``val-1``.

    CinC 2017 has no patient identifiers: this split is by record.

    Examples
    --------
    >>> is_validation("A01176") == is_validation("A00227")
    True
    """
    return percent(f"val-1:{SAME_RECORDING.get(record_id, record_id)}") < VALIDATION_PERCENT


DATASET = Dataset(
    name="cinc2017",
    title="PhysioNet/CinC Challenge 2017",
    what="8,528 hand-held lead-I recordings of 9 to 61 s at 300 Hz: N, A, O, ~",
    use="rhythm",
    licence="ODC-By 1.0",
    size="0.2 GB",
    citation="Clifford et al., Computing in Cardiology 44, 2017",
    release="challenge-2017/1.0.0",
    read=cinc2017,
    split=Split(
        "By record, since no patients are known: sha256('val-1:' id) modulo 100 below 15 validates, the rest "
        "trains; the two recordings that occur twice count once.",
        lambda record: "validation" if is_validation(record.id) else "train",
    ),
    folders=("training2017",),
    files=("training/*", "REFERENCE-v3.csv"),
)
