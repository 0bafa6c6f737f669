"""The floor: the best linear filter from some leads to another, fitted by ridge regression."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecgedge_bridge.files import atomic_file
from ecgedge_export.archives import npz
from ecgedge_export.leads.sets import Floats

TAPS = 81  # 0.81 s at 100 Hz, half of it after the sample
RIDGE = 1e-3  # of the mean square of a tap's input: it only steadies what the data leave open
_TOGETHER = 64  # recordings in memory at once


@dataclass(frozen=True, slots=True, eq=False)
class LinearFilter:
    """Taps and offsets: ``taps`` (leads out, leads in, taps), ``offsets`` (leads out,)."""

    taps: npt.NDArray[np.float64]
    offsets: npt.NDArray[np.float64]

    def __call__(self, given: Floats) -> Floats:
        """Guess leads: (n, leads in, time) to (n, leads out, time)."""
        weights = np.concatenate([self.taps.reshape(len(self.taps), -1), self.offsets[:, None]], axis=1)
        pieces = (given[i : i + _TOGETHER] for i in range(0, len(given), _TOGETHER))
        guessed = [np.matmul(weights, _delayed(piece, self.taps.shape[2])) for piece in pieces]
        return np.concatenate(guessed).astype(np.float32)


def fit(given: Floats, wanted: Floats, taps: int = TAPS) -> LinearFilter:
    """Fit the filter of least squared error.

    Parameters
    ----------
    given : ndarray, shape (n, leads in, time)
    wanted : ndarray, shape (n, leads out, time)
    taps : int
        Odd; the middle one is at the sample itself.
    """
    size = given.shape[1] * taps + 1
    square, product = np.zeros((size, size)), np.zeros((size, wanted.shape[1]))
    for i in range(0, len(given), _TOGETHER):
        x = _delayed(given[i : i + _TOGETHER], taps)
        rows = x.transpose(1, 0, 2).reshape(size, -1)
        square += rows @ rows.T
        product += rows @ wanted[i : i + _TOGETHER].transpose(1, 0, 2).reshape(wanted.shape[1], -1).T
    square[np.arange(size - 1), np.arange(size - 1)] += RIDGE * np.trace(square[:-1, :-1]) / (size - 1)
    weights = np.linalg.solve(square, product).T
    return LinearFilter(weights[:, :-1].reshape(len(weights), given.shape[1], taps), weights[:, -1])


def kept(path: Path, given: Floats, wanted: Floats) -> LinearFilter:
    """As :func:`fit`, kept in a file: fitted, or taken from there."""
    if not path.is_file():
        made = fit(given, wanted)
        with atomic_file(path) as file:
            np.savez(file, taps=made.taps, offsets=made.offsets)
    with npz(path, "delete it, it is made again") as z:
        return LinearFilter(z["taps"], z["offsets"])


def _delayed(given: Floats, taps: int) -> npt.NDArray[np.float64]:
    """Inputs of a filter: (n, leads * taps + 1, time), ones last; beyond the ends the outermost sample."""
    half = taps // 2
    padded = np.pad(given.astype(np.float64), ((0, 0), (0, 0), (half, half)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, given.shape[2], axis=2)
    flat = windows.reshape(len(given), -1, given.shape[2])
    return np.concatenate([flat, np.ones((len(given), 1, given.shape[2]))], axis=1)
