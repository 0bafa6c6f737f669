"""MIT-BIH Atrial Fibrillation Database: ten hours each, rhythms by hand, beats by a detector."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ecgedge_export.data.build import chosen, wfdb_record
from ecgedge_export.data.catalogue import DATASETS
from ecgedge_export.data.record import Record
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
    found = record_paths(DATASETS["afdb"].folder(), r"\d{5}")
    paths = {name: path for name, path in found.items() if header(path).leads}
    for name, path in chosen("afdb", paths, record_ids):
        yield wfdb_record("afdb", name, path, beats=_beats(path))


def _beats(path: Path) -> str:
    return "qrsc" if path.with_name(f"{path.name}.qrsc").is_file() else "qrs"
