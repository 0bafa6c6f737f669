"""China Physiological Signal Challenge 2021: pieces of ambulatory recordings, AF episodes annotated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ecgedge_export.data.build import chosen, wfdb_record
from ecgedge_export.data.dataset import Dataset
from ecgedge_export.data.record import Record
from ecgedge_export.data.split import HASHED_BY_PATIENT
from ecgedge_export.data.wfdb_files import header, record_paths

# The header's comment, in the words of the challenge, to its short name for the class.
LABELS = {
    "non atrial fibrillation": "N",
    "persistent atrial fibrillation": "AFf",
    "paroxysmal atrial fibrillation": "AFp",
}


def cpsc2021(record_ids: Sequence[str] | None = None) -> Iterator[Record]:
    """Yield pieces with beats, rhythms N, AFIB and AFL, labelled N, AFf (persistent) or AFp (paroxysmal).

    ``data_98_1`` is the first piece of patient ``98``.

    Raises
    ------
    ConfigError
        The data set or a chosen record is not at hand.
    """
    paths = record_paths(DATASET.folder(), r"data_\d+_\d+")
    for name, path in chosen("cpsc2021", paths, record_ids):
        lines = (line.strip().lower() for line in header(path).comments)
        label = next((LABELS[line] for line in lines if line in LABELS), "")
        yield wfdb_record("cpsc2021", name, path, patient=name.split("_")[1], label=label)


DATASET = Dataset(
    name="cpsc2021",
    title="China Physiological Signal Challenge 2021",
    what="1,436 pieces of ambulatory leads I and II at 200 Hz, AF episodes annotated",
    use="AF episodes, beats",
    licence="CC BY 4.0",
    size="1 GB",
    citation="Wang et al., The 4th China Physiological Signal Challenge, 2021",
    release="cpsc2021/1.0.0",
    read=cpsc2021,
    split=HASHED_BY_PATIENT,
    folders=(
        "cpsc2021",
        "paroxysmal-atrial-fibrillation-events-detection-from-dynamic-ecg-recordings-the-4th-china-"
        "physiological-signal-challenge-2021-1.0.0",
    ),
    files=("Training_set_*", "RECORDS"),
)
