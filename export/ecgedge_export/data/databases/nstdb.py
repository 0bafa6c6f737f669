"""MIT-BIH Noise Stress Test Database: three kinds of noise, and two records with electrode motion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ecgedge_export.data.build import chosen, wfdb_record
from ecgedge_export.data.dataset import Dataset
from ecgedge_export.data.record import Record
from ecgedge_export.data.split import Split
from ecgedge_export.data.wfdb_files import record_paths


def nstdb(record_ids: Sequence[str] | None = None) -> Iterator[Record]:
    """Yield ``bw``, ``em`` and ``ma`` (labelled so), and ``118e24`` to ``119e_6`` with their beats.

    ``118e24`` is record 118 of the MIT-BIH Arrhythmia Database with electrode motion from the sixth minute
    on, at a signal-to-noise ratio of 24 dB; its patient is "118".

    Raises
    ------
    ConfigError
        The data set or a chosen record is not at hand.
    """
    paths = record_paths(DATASET.folder(), r"bw|em|ma|11[89]e(\d\d|_6)")
    # Six ratios of each of two records: 24, 18, 12, 06, 00 and _6 dB.
    for name, path in chosen("nstdb", paths, record_ids):
        if "e" in name[1:]:
            yield wfdb_record("nstdb", name, path, patient=name[:3])
        else:
            yield wfdb_record("nstdb", name, path, label=name)


DATASET = Dataset(
    name="nstdb",
    title="MIT-BIH Noise Stress Test",
    what="baseline wander, electrode motion and muscle noise, half an hour each, at 360 Hz",
    use="noise",
    licence="ODC-By 1.0",
    size="0.1 GB",
    citation="Moody, Muldrow and Mark, Computers in Cardiology 11, 1984",
    release="nstdb/1.0.0",
    read=nstdb,
    split=Split(
        "By time, not by record: the first half of each noise recording trains, the second tests. The ones "
        "with beats are MIT-BIH 118 and 119, which train.",
        lambda record: "none",
    ),
    folders=("nstdb", "mit-bih-noise-stress-test-database-1.0.0"),
    files=("*.dat", "*.hea", "*.atr", "RECORDS"),
)
