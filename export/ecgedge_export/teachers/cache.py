"""Embeddings that a teacher made once, in one file: for teachers that live elsewhere, and to save time.

The file is a NumPy ``.npz`` without pickled objects, which any surroundings can write:

=================  =======================  ==========================================================
``format``         str                      "ecgedge-embeddings-1"
``teacher``        str                      name of the model, such as "heartlang"
``preset``         str                      how the signal was prepared
``sha256``         str                      hex digest of the model's weights
``record_id``      (n,) str                 the record, as its data set names it
``start``          (n,) int64               first sample of the window, at the record's own rate
``vector``         (n, dim) float16         the embedding
=================  =======================  ==========================================================
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ecgedge_bridge.errors import ConfigError, ModelError
from ecgedge_bridge.files import atomic_file
from ecgedge_export.teachers.base import Teacher, Vector

FORMAT = "ecgedge-embeddings-1"


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddingCache:
    """Embeddings of windows, by record and first sample.

    Parameters
    ----------
    teacher, preset, sha256 : str
        Who made them, from what preparation, with which weights.
    record_id : array of str, shape (n,)
        Record of each window.
    start : int64 array of shape (n,)
        First sample of each window at its record's own rate.
    vector : float16 array of shape (n, dim)
        The embeddings.

    Raises
    ------
    ValueError
        Shapes or types do not fit, a value is not finite, the digest is none, or a window is there twice.

    Examples
    --------
    >>> vectors = np.ones((1, 3), np.float16)
    >>> cache = EmbeddingCache("melp", "own", "0" * 64, np.array(["100"]), np.array([0]), vectors)
    >>> cache.vector_of("100", 0)
    array([1., 1., 1.], dtype=float32)
    """

    teacher: str
    preset: str
    sha256: str
    record_id: npt.NDArray[np.str_]
    start: npt.NDArray[np.int64]
    vector: npt.NDArray[np.float16]  # half the file, and far finer than a cosine loss needs
    _rows: dict[tuple[str, int], int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        _check(self)
        keys = zip(self.record_id.tolist(), self.start.tolist(), strict=True)
        rows = {key: row for row, key in enumerate(keys)}
        if len(rows) != len(self.record_id):
            raise ValueError("a window is in the cache twice: keep one embedding for each record and start")
        object.__setattr__(self, "_rows", rows)

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.record_id)

    def __contains__(self, key: object) -> bool:
        """Tell whether the window (record id, start) is there."""
        return key in self._rows

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self.vector.shape[1])

    def vector_of(self, record_id: str, start: int) -> Vector:
        """Embedding of one window, float32 of shape (dim,).

        Raises
        ------
        KeyError
            The window is not there.
        """
        if (record_id, start) not in self._rows:
            raise KeyError(
                f"{self.teacher} has no embedding of {record_id} from sample {start}: embed it first"
            )
        vector: Vector = self.vector[self._rows[record_id, start]].astype(np.float32)
        return vector

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        with atomic_file(path) as file:
            np.savez_compressed(
                file,
                format=np.array(FORMAT),
                teacher=np.array(self.teacher),
                preset=np.array(self.preset),
                sha256=np.array(self.sha256),
                record_id=self.record_id,
                start=self.start,
                vector=self.vector,
            )

    @classmethod
    def load(cls, path: Path, *, teacher: str | None = None, sha256: str | None = None) -> EmbeddingCache:
        """Read and check a file.

        Parameters
        ----------
        path : Path
            The file.
        teacher, sha256 : str, optional
            Whose embeddings they have to be, and of which weights.

        Raises
        ------
        ConfigError
            No such file.
        ModelError
            It is no such file, it is damaged, or another teacher made it.
        """
        if not path.is_file():
            raise ConfigError(f"no such file: {path}: let the teacher write its embeddings first")
        cache = cls._read(path)
        for what, expected in (("teacher", teacher), ("sha256", sha256)):
            if expected is not None and getattr(cache, what) != expected:
                raise ModelError(
                    f"{path} was made with {what} {getattr(cache, what)!r}, not {expected!r}: embed anew"
                )
        return cache

    @classmethod
    def _read(cls, path: Path) -> EmbeddingCache:
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as z:
                if (version := str(z["format"])) != FORMAT:
                    raise ValueError(f"format {version!r}, not {FORMAT!r}")
                teacher, preset, sha256 = (str(z[name]) for name in ("teacher", "preset", "sha256"))
                return cls(teacher, preset, sha256, z["record_id"], z["start"], z["vector"])
        except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:
            raise ModelError(f"{path} is no cache of embeddings ({error}): write it anew") from error


class Signal(Protocol):
    """What is embedded: a record of a data set, or whatever else has a name and one lead."""

    @property
    def id(self) -> str: ...
    @property
    def mv(self) -> npt.NDArray[np.float32]: ...
    @property
    def fs(self) -> float: ...


def fill(teacher: Teacher, records: Iterable[Signal], window_s: float, hop_s: float) -> EmbeddingCache:
    """Embed every whole window of the first lead of every record; windows with invalid samples are left out.

    Parameters
    ----------
    teacher : Teacher
        Who embeds.
    records : iterable of Signal
        What is embedded.
    window_s, hop_s : float
        Length of a window and distance of two, in seconds.

    Raises
    ------
    ValueError
        There is not one window.
    """
    rows = [
        (r.id, start, teacher.embed(x, r.fs)) for r in records for start, x in _windows(r, window_s, hop_s)
    ]
    if not rows:
        raise ValueError(f"no record has a window of {window_s} s: take longer records or shorter windows")
    ids, starts, vectors = zip(*rows, strict=True)
    return EmbeddingCache(
        teacher.name,
        teacher.preset,
        teacher.sha256,
        np.array(ids),
        np.array(starts, np.int64),
        np.stack(vectors).astype(np.float16),
    )


def _windows(record: Signal, window_s: float, hop_s: float) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    mv, n, hop = record.mv, round(window_s * record.fs), max(1, round(hop_s * record.fs))
    for start in range(0, len(mv) - n + 1, hop):
        window = mv[start : start + n]
        if np.isfinite(window).all():
            yield start, window


def _check(cache: EmbeddingCache) -> None:
    n = len(cache.record_id)
    problems = {
        "record_id is not (n,) str": cache.record_id.dtype.kind != "U" or cache.record_id.ndim != 1,
        "start is not (n,) int64": cache.start.dtype != np.int64 or cache.start.shape != (n,),
        "vector is not (n, dim) float16": cache.vector.dtype != np.float16
        or cache.vector.ndim != 2
        or len(cache.vector) != n,
        "sha256 is not a digest": not re.fullmatch(r"[0-9a-f]{64}", cache.sha256),
        "teacher has no name": not cache.teacher,
        "a start is negative": bool(np.any(cache.start < 0)),
        # float16 ends at 65,504: larger values have to be scaled before.
        "a vector is not finite": not np.isfinite(cache.vector).all(),
    }
    wrong = [what for what, is_so in problems.items() if is_so]
    if wrong:
        raise ValueError(f"{wrong[0]}: see ecgedge_export.teachers.cache for the format")
