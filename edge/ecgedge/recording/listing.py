"""Which files of a folder are recordings, by their names alone: nothing is opened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

__all__ = ["recordings_among"]

# What lies beside recordings and is none.
_PARTS = frozenset(
    ".dat .atr .qrs .jsonl .md .toml .lock .db-wal .db-shm .pdf .py .parquet .part".split()
)  # fmt: skip


def recordings_among(names: Iterable[str]) -> Iterator[str]:
    """Yield what may be a recording; of a WFDB record its header alone.

    Parameters
    ----------
    names : iterable of str
        Paths or addresses, with slashes.

    Examples
    --------
    >>> list(recordings_among(["a/100.hea", "a/100.dat", "a/100.xws", "a/b.csv", "a/.hidden", "a/README.md"]))
    ['a/100.hea', 'a/b.csv']
    """
    every = list(names)
    records = {name.removesuffix(".hea") for name in every if name.endswith(".hea")}
    for name in every:
        path = PurePosixPath(name)
        beside = str(path.with_suffix("")) in records and path.suffix != ".hea"
        if not (path.name.startswith(".") or path.suffix.lower() in _PARTS or beside):
            yield name
