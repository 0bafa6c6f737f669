"""Writing blocks as the loggers of chest straps do, so that :func:`ecgedge.read` reads them back."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from types import TracebackType

import numpy as np

from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import SampleBlock

__all__ = ["CsvWriter"]


class CsvWriter:
    """A text file with the columns ``time_ns,ecg_uV``; a gap in the stream is a hole in its time.

    Parameters
    ----------
    path : Path
        The file; what was there is replaced.

    Raises
    ------
    ConfigError
        When the file cannot be written.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> path = Path(tempfile.mkdtemp()) / "ecg.csv"
    >>> with CsvWriter(path) as writer:
    ...     writer.write(SampleBlock(np.array([0.1, 0.2], np.float32), fs=130.0, sample=13))
    >>> path.read_text().split()
    ['time_ns,ecg_uV', '100000000,100', '107692308,200']
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("w", encoding="ascii")
        except OSError as error:
            raise ConfigError(f"cannot write {path}: {error.strerror}: choose another file") from error
        self._file.write("time_ns,ecg_uV\n")

    def write(self, block: SampleBlock) -> None:
        """Append a block: the time is that of the sample index, in whole ns; the ECG in whole microvolt.

        A missing value (NaN, infinite, or masked) is an empty cell.
        """
        index = np.arange(block.sample, block.end_sample)
        time_ns = np.rint(index * (1e9 / block.fs)).astype(np.int64).tolist()
        uv = np.rint(np.ma.filled(block.samples.astype(np.float64), np.nan) * 1000).tolist()
        cells = (f"{v:.0f}" if isfinite(v) else "" for v in uv)
        self._file.writelines(f"{t},{cell}\n" for t, cell in zip(time_ns, cells, strict=True))

    def __enter__(self) -> CsvWriter:
        """Write inside the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
