"""Long Term AF Database: days of people with paroxysmal or sustained AF, beats and rhythms annotated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ecgedge_export.data.build import chosen, wfdb_record
from ecgedge_export.data.catalogue import DATASETS
from ecgedge_export.data.record import Record
from ecgedge_export.data.wfdb_files import record_paths


def ltafdb(record_ids: Sequence[str] | None = None) -> Iterator[Record]:
    """Yield records with beats and rhythms as in the MIT-BIH Arrhythmia Database; each is one person.

    Raises
    ------
    ConfigError
        The data set or a chosen record is not at hand.
    """
    paths = record_paths(DATASETS["ltafdb"].folder(), r"\d{2,3}")
    for name, path in chosen("ltafdb", paths, record_ids):
        yield wfdb_record("ltafdb", name, path)
