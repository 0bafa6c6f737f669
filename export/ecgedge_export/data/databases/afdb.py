"""MIT-BIH Atrial Fibrillation Database: ten hours each, rhythms by hand, beats by a detector."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ecgedge_export.data.build import chosen, wfdb_record
from ecgedge_export.data.dataset import Dataset
from ecgedge_export.data.record import Record
from ecgedge_export.data.split import HASHED_BY_PATIENT
from ecgedge_export.data.wfdb_files import header, record_paths


def afdb(record_ids: Sequence[str] | None = None) -> Iterator[Record]:
    """Yield records with rhythms AFIB, AFL, J and N (all others), and beats, all of code N.

    Beats are the corrected ones (``.qrsc``) where the release has them, else the detector's (``.qrs``).
    00735 and 03665 come without a signal and are left out.

    Raises
    ------
    ConfigError
        The data set or a chosen record is not at hand.
    """
    # Two headers name no signal: their .dat was lost, the annotations are there.
    found = record_paths(DATASET.folder(), r"\d{5}")
    paths = {name: path for name, path in found.items() if header(path).leads}
    for name, path in chosen("afdb", paths, record_ids):
        yield wfdb_record("afdb", name, path, beats=_beats(path))


def _beats(path: Path) -> str:
    return "qrsc" if path.with_name(f"{path.name}.qrsc").is_file() else "qrs"


DATASET = Dataset(
    name="afdb",
    title="MIT-BIH Atrial Fibrillation Database",
    what="23 ten-hour recordings of two leads at 250 Hz, mostly paroxysmal AF",
    use="AF episodes",
    licence="ODC-By 1.0",
    size="0.6 GB",
    citation="Moody and Mark, Computers in Cardiology 10, 1983",
    release="afdb/1.0.0",
    read=afdb,
    split=HASHED_BY_PATIENT,
    folders=("afdb", "mit-bih-atrial-fibrillation-database-1.0.0"),
    files=("*.dat", "*.hea", "*.atr", "*.qrs", "*.qrsc", "RECORDS"),
)
