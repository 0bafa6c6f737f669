"""Icentia11k: two weeks of a chest patch, in pieces of 70 minutes, up to 50 for each person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ecgedge_export.data.build import chosen, wfdb_record
from ecgedge_export.data.catalogue import DATASETS
from ecgedge_export.data.record import Record
from ecgedge_export.data.wfdb_files import record_paths


def icentia11k(record_ids: Sequence[str] | None = None) -> Iterator[Record]:
    """Yield pieces (``p00000_s00``) with beats N, S, V and Q and rhythms N, AFIB and AFL.

    A rhythm ends at a lone ")"; between that and the next one none is given. The patient is ``p00000``.

    Raises
    ------
    ConfigError
        The data set or a chosen record is not at hand.
    """
    paths = record_paths(DATASETS["icentia11k"].folder(), r"p\d{5}_s\d\d")
    for name, path in chosen("icentia11k", paths, record_ids):
        yield wfdb_record("icentia11k", name, path, patient=name.split("_")[0])
