"""A signal as the steps of a path: broken where samples are missing, no denser than paper shows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ecgedge.report.drawing.scale import COLUMN_MM

__all__ = ["finite_runs", "runs_of", "shown_points"]

Float = npt.NDArray[np.float64]


def runs_of(mask: npt.ArrayLike) -> list[tuple[int, int]]:
    """Return the stretches that are True, each as its start and its end.

    Examples
    --------
    >>> runs_of(np.array([True, True, False, True]))
    [(0, 2), (3, 4)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([0], np.asarray(mask, np.int8), [0]))))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def finite_runs(values: Float) -> list[tuple[int, int]]:
    """Return the stretches without a missing sample."""
    return runs_of(np.isfinite(values))


def shown_points(values: Float, mm_per_sample: float) -> npt.NDArray[np.intp]:
    """Return indices of the samples to draw, ascending.

    Of each column of :data:`COLUMN_MM` the lowest and the highest, and the two ends: a line through them
    covers what a line through all would, and no peak loses height or moves.

    Parameters
    ----------
    values : array, shape (n,)
        Without a missing one.
    mm_per_sample : float
        Width of a sample on the paper.
    """
    per_column = int(COLUMN_MM / mm_per_sample) if mm_per_sample > 0 else len(values)
    if per_column <= 2:  # two a column are kept of each
        return np.arange(len(values))
    padded = np.pad(values, (0, -len(values) % per_column), mode="edge").reshape(-1, per_column)
    starts = np.arange(len(padded)) * per_column
    found = np.concatenate((starts + padded.argmin(1), starts + padded.argmax(1), [0, len(values) - 1]))
    return np.unique(np.minimum(found, len(values) - 1))
