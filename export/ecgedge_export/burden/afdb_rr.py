"""Beats of the MIT-BIH AF Database without its signals: QRS times and an AF flag for each, as ``.npz``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ecgedge_bridge.errors import ConfigError
from ecgedge_export.archives import npz
from ecgedge_export.data import Record, find
from ecgedge_export.data.build import episodes
from ecgedge_export.data.places import locate

FOLDER = "afdb-rr"
_MOST_BEATS = 10_000_000  # a month at 230 a minute


def is_there() -> bool:
    """Whether the files are at hand."""
    return locate(FOLDER, FOLDER) is not None


def afdb_rr() -> Iterator[Record]:
    """Yield records that have beats and rhythms (AFIB and N) and no signal; ids are those of ``afdb``.

    Raises
    ------
    ConfigError
        The files are not at hand, or one is damaged.
    """
    for path in sorted(find(FOLDER, FOLDER).glob("*.npz")):
        yield _record(path)


def _record(path: Path) -> Record:
    with npz(path, "get the data set again") as arrays:
        beats, af, fs = arrays["qrs"], arrays["af"], float(arrays["fs"])
        ok = beats.ndim == 1 and beats.shape == af.shape and 2 <= len(beats) <= _MOST_BEATS and 0 < fs < 1e5
        at = beats.astype(np.int64)
        if not ok or (np.diff(at) < 0).any() or at[0] < 0:
            raise ConfigError(f"{path} holds no ascending beats with a flag for each: get the data set again")
    begins = np.flatnonzero(np.append(True, af[1:] != af[:-1]))
    changes = [(int(at[i]), "AFIB" if af[i] else "N") for i in begins]
    n = int(at[-1]) + 1
    return Record(
        "afdb", path.stem, path, fs, n, (), path.stem, beats=at, symbols=np.full(len(at), "N"),
        rhythms=episodes(changes, n),
    )  # fmt: skip
