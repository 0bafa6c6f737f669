"""A signal of any length, kept beside the file that it will be in until all of it is known."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.recording.steps import Levels
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import SampleBlock

__all__ = ["Spool"]

Float32 = npt.NDArray[np.float32]

_CHUNK = 1 << 18  # samples that are worked on at a time: 1 MB
# With all that is missing, which these forms fill: 99 days at 250 Hz, 4 GB.
_MOST = 1 << 31
_SIZE = 4


class _Run(NamedTuple):
    sample: int
    length: int
    place: int


class Spool:
    """Samples on disk, in a file without a name, that nobody else sees and that no crash leaves behind.

    What is not finite is missing, as what lies between blocks is.

    Parameters
    ----------
    folder : Path
        On the disk where there has to be room anyway.

    Attributes
    ----------
    end : int
        Index behind the last sample.
    fs : float
        Rate in Hz; 0 before the first block.

    Examples
    --------
    >>> spool = Spool(Path(tempfile.gettempdir()))
    >>> spool.add(SampleBlock(np.array([1, 2], np.float32), fs=130.0, sample=1))
    >>> spool.between(0, 3)
    array([nan,  1.,  2.], dtype=float32)
    >>> spool.close()
    """

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # closed by close()
        self._runs: list[_Run] = []
        self._written = 0
        self.end, self.fs = 0, 0.0

    def add(self, block: SampleBlock) -> None:
        """Append a block; samples that are there already are left out.

        Raises
        ------
        ConfigError
            Its rate is another, or it lies years behind the one before it.
        OSError
            The disk is full.
        """
        if self.fs and block.fs != self.fs:
            raise ConfigError(
                f"the rate changes from {self.fs:g} to {block.fs:g} Hz, and a file has one: "
                "save the stretches one by one, with --from and --to"
            )
        self.fs = block.fs
        skip = max(self.end - block.sample, 0)
        samples = np.ma.filled(np.ma.asarray(block.samples, np.float32), np.nan)[skip:]
        if not len(samples):
            return
        if block.end_sample > _MOST:
            raise ConfigError(
                f"the file would hold {block.end_sample} samples with all that is missing: "
                "save stretches of it, with --from and --to"
            )
        at = block.sample + skip
        last = self._runs[-1] if self._runs else None
        if last and last.sample + last.length == at:
            self._runs[-1] = last._replace(length=last.length + len(samples))
        else:
            self._runs.append(_Run(at, len(samples), self._written))
        self._file.seek(0, 2)
        self._file.write(samples.tobytes())
        self._written += len(samples)
        self.end = block.end_sample

    def levels(self) -> Levels:
        """Look through all of it for its values."""
        levels = Levels()
        for _, samples in self._pieces():
            levels.add(samples)
        return levels

    def filled(self) -> Iterator[Float32]:
        """Yield all samples from index 0 to the end in pieces, NaN where they are missing."""
        at = 0
        for sample, samples in self._pieces():
            for start in range(at, sample, _CHUNK):
                yield np.full(min(_CHUNK, sample - start), np.nan, np.float32)
            yield np.where(np.isfinite(samples), samples, np.float32(np.nan))
            at = sample + len(samples)

    def between(self, first: int, end: int) -> Float32:
        """Return a stretch, NaN where samples are missing."""
        found = np.full(max(end - first, 0), np.nan, np.float32)
        for run in self._runs:
            low, high = max(run.sample, first), min(run.sample + run.length, end)
            if low < high:
                found[low - first : high - first] = self._read(run.place + low - run.sample, high - low)
        return found

    def close(self) -> None:
        """Give the room back."""
        with suppress(OSError):  # what a full disk did not take is tried once more
            self._file.close()

    def _pieces(self) -> Iterator[tuple[int, Float32]]:
        for run in self._runs:
            for done in range(0, run.length, _CHUNK):
                yield run.sample + done, self._read(run.place + done, min(_CHUNK, run.length - done))

    def _read(self, place: int, count: int) -> Float32:
        self._file.seek(place * _SIZE)
        return np.frombuffer(self._file.read(count * _SIZE), np.float32)
