"""From a recipe's ``[teacher]`` to one vector for each recording that a student learns from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecgedge_bridge.errors import ConfigError
from ecgedge_export.data import Record
from ecgedge_export.recipe import External
from ecgedge_export.teachers.cache import EmbeddingCache, fill
from ecgedge_export.teachers.load import load_teacher
from ecgedge_export.teachers.presets import WINDOW_S

Floats = npt.NDArray[np.float32]


def embeddings(
    how: External,
    beside: Path,
    records: Callable[[], Iterable[Record]],
    work: Path,
    log: Callable[[str], None],
) -> EmbeddingCache:
    """Read a teacher's embeddings, or let it embed the records, which is kept in ``work``.

    Parameters
    ----------
    how : External
        The recipe's table; its paths are relative to ``beside``, the folder of the recipe.
    records : callable
        Gives what to embed; called only where no file of embeddings is at hand.

    Raises
    ------
    ConfigError
        Neither or both of checkpoint and embeddings are named, or there is no such file.
    ModelError
        The file is damaged, or another teacher's.
    """
    if bool(how.checkpoint) == bool(how.embeddings):
        raise ConfigError("[teacher] names a checkpoint and embeddings, or neither: give one of them")
    if how.embeddings:
        return EmbeddingCache.load(beside / how.embeddings, teacher=how.kind)
    teacher = load_teacher(how.kind, beside / how.checkpoint, how.preset or None)
    kept = work / f"{teacher.name}-{teacher.preset}-{teacher.sha256[:12]}.npz"
    if not kept.is_file():
        log(f"{teacher.name} embeds the recordings")
        fill(teacher, records(), WINDOW_S, WINDOW_S).save(kept)
    return EmbeddingCache.load(kept, teacher=teacher.name, sha256=teacher.sha256)


def by_record(cache: EmbeddingCache, record_ids: Sequence[str]) -> Floats:
    """Mean direction of the windows of each recording, of length 1: (recordings, dim); zeros where none is.

    A student sees another stretch of a recording in each epoch, so that its window and the teacher's are
    rarely the same: what they share is the recording.

    Examples
    --------
    >>> vectors = np.array([[3.0, 0.0], [0.0, 2.0]], np.float16)
    >>> cache = EmbeddingCache("melp", "own", "0" * 64, np.array(["a", "a"]), np.array([0, 9]), vectors)
    >>> by_record(cache, ["b", "a"]).round(2)
    array([[0.  , 0.  ],
           [0.71, 0.71]], dtype=float32)
    """
    place = {name: i for i, name in enumerate(record_ids)}
    rows = np.array([place.get(name, -1) for name in cache.record_id.tolist()])
    known = rows >= 0
    sums = np.zeros((len(record_ids), cache.dim))
    np.add.at(sums, rows[known], _unit(cache.vector[known].astype(np.float64)))
    return _unit(sums).astype(np.float32)


def _unit(vectors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: npt.NDArray[np.float64] = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    return unit
