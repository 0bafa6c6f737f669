"""What only the wfdb library reads: compressed formats. It is an optional extra, and large."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ecgedge_bridge.errors import ConfigError

__all__ = ["library_values"]

_CHUNK_FRAMES = 30_000  # for each call of the library, which reads the header anew each time


def library_values(record: Path, index: int, frames: int, format_: int) -> Iterator[npt.NDArray[np.float64]]:
    """Yield the samples of one signal in its unit, all of a frame in turn.

    Raises
    ------
    ConfigError
        The library is not installed, or cannot read the record; raised by the call itself.
    """
    try:
        import wfdb
    except ImportError as error:
        raise ConfigError(
            f"{record} is in WFDB format {format_}, which needs the wfdb library: pip install 'ecgedge[wfdb]'"
        ) from error
    first = _part(wfdb, record, index, 0, min(frames, _CHUNK_FRAMES))
    return _parts(wfdb, record, index, frames, first)


def _parts(
    wfdb: Any, record: Path, index: int, frames: int, first: npt.NDArray[np.float64]
) -> Iterator[npt.NDArray[np.float64]]:
    yield first
    for start in range(_CHUNK_FRAMES, frames, _CHUNK_FRAMES):
        yield _part(wfdb, record, index, start, min(frames, start + _CHUNK_FRAMES))


def _part(wfdb: Any, record: Path, index: int, start: int, stop: int) -> npt.NDArray[np.float64]:
    try:
        part = wfdb.rdrecord(str(record), sampfrom=start, sampto=stop, channels=[index], smooth_frames=False)
        return np.asarray(part.e_p_signal[0], dtype=np.float64)
    except Exception as error:  # the library raises whatever a broken file trips, from IndexError on
        why = f"{type(error).__name__}: {error}"[:200]
        raise ConfigError(
            f"cannot read the WFDB record {record} ({why}): check its .hea and signal file"
        ) from error
