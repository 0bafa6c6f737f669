"""A recording as a wearable would measure it: at the wearable's rate, and without holes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from os import PathLike

import numpy as np
import numpy.typing as npt

from ecgedge.recording import read
from ecgedge.stream.filters import Array, resampler
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import SampleBlock

__all__ = ["playback"]

_HALF_WIDTH_S, _BETA = 0.16, 5.0
_CUTOFF = 0.45  # of the rate: a wearable's own low pass ends little below half of it
_PIECE = 4096  # samples of a hole that are given at a time


def playback(path: str | PathLike[str], fs: float) -> Iterator[npt.NDArray[np.floating]]:
    """Give a recording piece by piece, resampled to what a wearable sends; long ones take no more memory.

    What is missing in it is given as a flat line: a wearable cannot send less than it measures.

    Parameters
    ----------
    path : str or path-like
        What :func:`ecgedge.recording.read` reads.
    fs : float
        Rate of the wearable in Hz.

    Yields
    ------
    ndarray of float, shape (n,)
        mV.

    Raises
    ------
    ConfigError
        The recording cannot be read, or holds nothing.

    Examples
    --------
    >>> import numpy as np, tempfile, pathlib
    >>> from ecgedge.recording.csvwriter import CsvWriter
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "ecg.csv"
    >>> with CsvWriter(path) as writer:
    ...     writer.write(SampleBlock(np.full(250, 0.5, np.float32), fs=125.0))
    >>> played = np.concatenate(list(playback(path, fs=250.0)))
    >>> len(played), bool(np.allclose(played, 0.5))
    (500, True)
    """
    blocks = read(path)
    first = next(blocks, None)
    if first is None:
        raise ConfigError(f"{path} holds no samples: choose another recording")
    whole = _without_holes(chain([first], blocks))
    return whole if first.fs == fs else _resampled(whole, first.fs, fs)


def _without_holes(blocks: Iterable[SampleBlock]) -> Iterator[npt.NDArray[np.floating]]:
    at = 0
    for block in blocks:
        for start in range(at, block.sample, _PIECE):
            yield np.zeros(min(_PIECE, block.sample - start))
        yield np.nan_to_num(block.samples, posinf=0.0, neginf=0.0)
        at = block.end_sample


def _resampled(pieces: Iterable[npt.NDArray[np.floating]], fs_in: float, fs: float) -> Iterator[Array]:
    filters = resampler(fs_in, fs, half_width_s=_HALF_WIDTH_S, cutoff_hz=_CUTOFF * fs, beta=_BETA)
    yield from map(filters.feed, pieces)
    yield filters.finish()
