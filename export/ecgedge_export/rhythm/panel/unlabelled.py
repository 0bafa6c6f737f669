"""Signal without labels of a rhythm: only the panel says what it shows.

No gate looks at it, so what the runtime would refuse is in it too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.schema import hint
from ecgedge_export import data, prepare, splits
from ecgedge_export.data import Record
from ecgedge_export.data.databases.svdb import svdb
from ecgedge_export.prepare import Prepared
from ecgedge_export.rhythm.further import TAUGHT_FOLDS

PIECE_S = 60.0  # of half an hour: a window starts anywhere in its first half
# The others follow from I and II.
LEADS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
NOBODY = ""  # the label of what nobody labelled


def unlabelled(names: Sequence[str], fs: float, limit: int | None = None) -> Prepared:
    """Read data sets by name, filtered at ``fs``; ``limit`` keeps that many records of each.

    Parameters
    ----------
    names : sequence of str
        Of :data:`READERS`.

    Raises
    ------
    ConfigError
        A data set is not at hand, or is not one of these.
    """
    ids: list[str] = []
    signals: list[prepare.Signal] = []
    for name in names:
        if name not in READERS:
            raise ConfigError(f"{name} is no source of unlabelled signal: {hint(name, READERS)}")
        for i, record in enumerate(READERS[name]()):
            if limit is not None and i >= limit:
                break
            for part, signal in _parts(record, fs):
                ids.append(f"{name}/{record.id}/{part}")
                signals.append(signal)
    return Prepared(ids, [NOBODY] * len(ids), signals)


def _ptbxl() -> Iterator[Record]:
    return (r for r in data.ptbxl() if r.fold in TAUGHT_FOLDS)


READERS: Mapping[str, Callable[[], Iterator[Record]]] = {
    "ptb-xl": _ptbxl,
    "svdb": svdb,
    "mitdb": lambda: data.mitdb(splits.DS1),
}


def _parts(record: Record, fs: float) -> Iterator[tuple[str, prepare.Signal]]:
    """Leads of ten seconds, or the first lead of half an hour in pieces."""
    if len(record.leads) == 12:
        for lead in LEADS:
            yield lead, prepare.filtered(record.lead(lead), record.fs, fs)
        return
    signal = prepare.filtered(record.mv, record.fs, fs)
    size = round(PIECE_S * fs)
    for k, piece in enumerate(np.split(signal, range(size, len(signal), size))):
        if len(piece) == size:
            yield f"{k}", piece
