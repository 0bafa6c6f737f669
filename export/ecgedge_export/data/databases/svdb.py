"""MIT-BIH Supraventricular Arrhythmia Database: half hours rich in supraventricular ectopy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ecgedge_export.data.build import chosen, wfdb_record
from ecgedge_export.data.dataset import Dataset
from ecgedge_export.data.record import Record
from ecgedge_export.data.split import FOLDED_BY_RECORD
from ecgedge_export.data.wfdb_files import record_paths


def svdb(record_ids: Sequence[str] | None = None) -> Iterator[Record]:
    """Yield records with beats of codes N, S, V, F, Q and their like; each is one person as far as is known.

    Few records hold most of the S beats, so that one of them decides a gross figure: give figures by record.

    Raises
    ------
    ConfigError
        The data set or a chosen record is not at hand.
    """
    for name, path in chosen("svdb", record_paths(DATASET.folder(), r"8\d\d"), record_ids):
        yield wfdb_record("svdb", name, path)


DATASET = Dataset(
    name="svdb",
    title="MIT-BIH Supraventricular Arrhythmia Database",
    what="78 half hours of two leads at 128 Hz, every beat annotated, rich in supraventricular ectopy",
    use="rhythm, beat classes",
    licence="ODC-By 1.0",
    size="0.1 GB",
    citation="Greenwald, PhD thesis, Harvard-MIT Division of Health Sciences and Technology, 1990",
    release="svdb/1.0.0",
    read=svdb,
    split=FOLDED_BY_RECORD,
    folders=("svdb", "mit-bih-supraventricular-arrhythmia-database-1.0.0"),
    files=("*.dat", "*.hea", "*.atr", "RECORDS"),
)
