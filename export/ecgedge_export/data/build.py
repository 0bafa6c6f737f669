"""From WFDB files to :class:`Record`: what all adapters share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ecgedge_bridge.errors import ConfigError
from ecgedge_export.data import wfdb_files
from ecgedge_export.data.record import BEAT_SYMBOLS, Episode, Record


def chosen(
    dataset: str, paths: dict[str, Path], record_ids: Sequence[str] | None
) -> Iterator[tuple[str, Path]]:
    """Yield (id, path) of the records that were asked for, in that order; of all without a choice.

    Raises
    ------
    ConfigError
        A record that was asked for is not there.
    """
    for record_id in paths if record_ids is None else record_ids:
        if record_id not in paths:
            raise ConfigError(f"{dataset} has no record {record_id!r} here: fetch it, or check the name")
        yield record_id, paths[record_id]


def episodes(changes: Iterable[tuple[int, str]], n_samples: int) -> tuple[Episode, ...]:
    """Turn changes into episodes: each lasts until the next one, the last until the end of the recording.

    Examples
    --------
    >>> [(e.start, e.end, e.name) for e in episodes([(10, "N"), (50, "AFIB"), (70, "")], 100)]
    [(10, 50, 'N'), (50, 70, 'AFIB')]
    """
    known = [*sorted(changes, key=lambda change: change[0]), (n_samples, "")]
    return tuple(Episode(at, end, name) for (at, name), (end, _) in pairwise(known) if name and end > at)


def wfdb_record(
    dataset: str, record_id: str, path: Path, *, beats: str = "atr", rhythms: str = "atr", **more: Any
) -> Record:
    """Build a record from its header and annotation files.

    Parameters
    ----------
    dataset, record_id, path
        See :class:`Record`.
    beats, rhythms : str
        Suffix of the annotation file that holds the beats and of the one that holds rhythms and quality.
    **more
        Further fields of the record; ``patient`` is the record's id unless given.
    """
    head = wfdb_files.header(path)
    notes = wfdb_files.marks(path, rhythms)
    detected = notes if beats == rhythms else wfdb_files.marks(path, beats)
    at, symbols = detected.only(BEAT_SYMBOLS)
    if beats != rhythms and not len(at):
        # A detector's file holds beats alone, and some programs write them all as comments.
        at, symbols = detected.sample, np.full(len(detected.sample), "N")
    fields: dict[str, Any] = {
        "patient": record_id,
        "rhythms": episodes(wfdb_files.rhythm_changes(notes), head.n_samples),
        "quality": episodes(wfdb_files.quality_changes(notes), head.n_samples),
    } | more
    return Record(
        dataset, record_id, path, head.fs, head.n_samples, head.leads, beats=at, symbols=symbols, **fields
    )
