"""A whole recording as one array."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from os import PathLike

import numpy as np
import numpy.typing as npt

from ecgedge.recording.blocks import ReadNote
from ecgedge.shown import Shown
from ecgedge_bridge.errors import ConfigError

__all__ = ["Recording", "load"]

# 2 GiB of float32: 47 days at 130 Hz. Stamps that claim more are wrong, and a Pi has no more memory.
_MOST_SAMPLES = 1 << 29


@dataclass(frozen=True, slots=True, eq=False)
class Recording(Shown):
    """A recording in one piece.

    Parameters
    ----------
    mv : ndarray of float32, shape (n,)
        The signal in mV, NaN where samples are missing.
    fs : float
        Rate in Hz.
    start : datetime or None
        Time of the first sample, where the file has one.
    notes : tuple of ReadNote
        What the reader found or assumed.
    channel : str
        Name of the signal, "" where it has none.
    unit : str
        What the file counts in.
    """

    mv: npt.NDArray[np.float32]
    fs: float
    start: datetime | None = None
    notes: tuple[ReadNote, ...] = ()
    channel: str = ""
    unit: str = "mV"

    @property
    def duration_s(self) -> float:
        """Length in seconds, what is missing included."""
        return len(self.mv) / self.fs

    def __repr__(self) -> str:
        missing = int(np.count_nonzero(np.isnan(self.mv)))
        return (
            f"Recording({self.duration_s:.1f} s at {self.fs:g} Hz, {missing} samples missing, "
            f"start={self.start}, channel={self.channel!r}, unit={self.unit!r}, notes={len(self.notes)})"
        )


def load(
    path: str | PathLike[str],
    fs: float | None = None,
    channel: str | int | None = None,
    unit: str | None = None,
) -> Recording:
    """Read a whole recording into one array.

    Parameters
    ----------
    path, fs, channel, unit
        As :func:`ecgedge.read` takes them.

    Raises
    ------
    ConfigError
        When the file cannot be used, holds nothing, or would need more than 2 GiB.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "ecg.csv"
    >>> rows = [f"{i * 8},{i % 7}" for i in range(500) if not 100 <= i < 130]
    >>> _ = path.write_text("time_ms,ecg_mV\\n" + "\\n".join(rows) + "\\n")
    >>> load(path)
    Recording(4.0 s at 125 Hz, 30 samples missing, start=None, channel='ecg', unit='mV', notes=0)
    """
    from ecgedge.recording import read

    blocks = read(path, fs, channel, unit)
    parts, rate, end = [], blocks.fs, 0
    for block in blocks:
        if block.fs != rate:
            raise ConfigError(
                f"{path}: the rate changes to {block.fs:g} Hz: read it in blocks (ecgedge.read)"
            )
        end = max(end, block.end_sample)
        if end > _MOST_SAMPLES:
            raise ConfigError(
                f"{path}: {end} samples with all that is missing, too many for one array: "
                "read it in blocks (ecgedge.read), or cut the file"
            )
        parts.append((block.sample, block.samples))
    if not end:
        raise ConfigError(f"{path} holds no samples: choose another recording")
    mv = np.full(end, np.nan, dtype=np.float32)
    for sample, samples in parts:
        mv[sample : sample + len(samples)] = samples
    mv.flags.writeable = False
    return Recording(mv, rate, blocks.start, tuple(blocks.notes), blocks.channel, blocks.unit)
