"""PhysioNet/CinC Challenge 2011, set a: is a recording good enough to be interpreted?"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from ecgedge_bridge.errors import ConfigError
from ecgedge_export.data.build import chosen, wfdb_record
from ecgedge_export.data.dataset import Dataset
from ecgedge_export.data.record import Episode, Record
from ecgedge_export.data.split import HASHED_BY_RECORD
from ecgedge_export.data.wfdb_files import header, record_paths


def cinc2011(record_ids: Sequence[str] | None = None) -> Iterator[Record]:
    """Yield recordings labelled ``acceptable``, ``unacceptable`` or, where graders differ, ``indeterminate``.

    The verdict is on the twelve leads together: lead I alone may be clean in an unacceptable one. About 75
    of the thousand have a flat lead I.

    Raises
    ------
    ConfigError
        The data set, its verdicts or a chosen record is not at hand.
    """
    folder = DATASET.folder()
    verdicts = _verdicts(folder)
    for name, path in chosen("cinc2011", record_paths(folder, r"\d{7}"), record_ids):
        verdict = verdicts.get(name, "indeterminate")  # those are in neither list
        whole = Episode(0, header(path).n_samples, verdict)
        yield wfdb_record("cinc2011", name, path, label=verdict, quality=(whole,))


def _verdicts(folder: Path) -> dict[str, str]:
    """From the challenge's lists ``RECORDS-acceptable`` and ``-unacceptable``, or one ``REFERENCE.csv``."""
    lists = {v: sorted(folder.rglob(f"RECORDS-{v}")) for v in ("acceptable", "unacceptable")}
    found = {name: v for v, paths in lists.items() for p in paths for name in p.read_text().split()}
    for table in sorted(folder.rglob("REFERENCE.csv")):
        with table.open(newline="") as file:
            found |= {row[0]: row[1] for row in csv.reader(file) if row}
    if not found:
        raise ConfigError(f"no RECORDS-acceptable in {folder}: the verdicts are there; fetch it")
    return found


DATASET = Dataset(
    name="cinc2011",
    title="PhysioNet/CinC Challenge 2011, set a",
    what="998 twelve-lead recordings of 10 s at 500 Hz, acceptable or not",
    use="signal quality",
    licence="ODC-By 1.0",
    size="0.2 GB",
    citation="Silva, Moody and Celi, Computing in Cardiology 38, 2011",
    release="challenge-2011/1.0.0",
    read=cinc2011,
    split=HASHED_BY_RECORD,
    folders=("set-a-lead-i", "set-a"),
    archive="cinc2011-set-a-lead-i",
    files=("set-a/*",),
)
