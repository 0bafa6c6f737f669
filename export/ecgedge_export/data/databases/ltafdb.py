"""Long Term AF Database: days of people with paroxysmal or sustained AF, beats and rhythms annotated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ecgedge_export.data.build import chosen, wfdb_record
from ecgedge_export.data.dataset import Dataset
from ecgedge_export.data.record import Record
from ecgedge_export.data.split import HASHED_BY_PATIENT
from ecgedge_export.data.wfdb_files import record_paths


def ltafdb(record_ids: Sequence[str] | None = None) -> Iterator[Record]:
    """Yield records with beats and rhythms as in the MIT-BIH Arrhythmia Database; each is one person.

    Raises
    ------
    ConfigError
        The data set or a chosen record is not at hand.
    """
    paths = record_paths(DATASET.folder(), r"\d{2,3}")
    for name, path in chosen("ltafdb", paths, record_ids):
        yield wfdb_record("ltafdb", name, path)


DATASET = Dataset(
    name="ltafdb",
    title="Long Term AF Database",
    what="84 day-long recordings of two leads at 128 Hz, beats and rhythms annotated",
    use="AF episodes, beats",
    licence="ODC-By 1.0",
    size="3.5 GB",
    citation="Petrutiu, Sahakian and Swiryn, Europace 9(7), 2007",
    release="ltafdb/1.0.0",
    read=ltafdb,
    split=HASHED_BY_PATIENT,
    folders=("ltafdb", "long-term-af-database-1.0.0"),
    files=("*.dat", "*.hea", "*.atr", "RECORDS"),
)
