"""Icentia11k: two weeks of a chest patch, in pieces of 70 minutes, up to 50 for each person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ecgedge_export.data.build import chosen, wfdb_record
from ecgedge_export.data.dataset import Dataset
from ecgedge_export.data.record import Record
from ecgedge_export.data.split import HASHED_BY_PATIENT
from ecgedge_export.data.wfdb_files import record_paths


def icentia11k(record_ids: Sequence[str] | None = None) -> Iterator[Record]:
    """Yield pieces (``p00000_s00``) with beats N, S, V and Q and rhythms N, AFIB and AFL.

    A rhythm ends at a lone ")"; between that and the next one none is given. The patient is ``p00000``.

    Raises
    ------
    ConfigError
        The data set or a chosen record is not at hand.
    """
    paths = record_paths(DATASET.folder(), r"p\d{5}_s\d\d")
    for name, path in chosen("icentia11k", paths, record_ids):
        yield wfdb_record("icentia11k", name, path, patient=name.split("_")[0])


DATASET = Dataset(
    name="icentia11k",
    title="Icentia11k",
    what="11,000 people, two weeks of one chest lead at 250 Hz in pieces of 70 minutes",
    use="AF episodes, beats",
    licence="CC BY-NC-SA 4.0",
    size="1.1 TB",
    citation="Tan et al., Computing in Cardiology 48, 2021",
    release="icentia11k-continuous-ecg/1.0",
    read=icentia11k,
    split=HASHED_BY_PATIENT,
    folders=("icentia11k", "icentia11k-single-lead-continuous-raw-electrocardiogram-dataset-1.0"),
)
