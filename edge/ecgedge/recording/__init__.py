"""Recordings from disk as the blocks that a wearable would have sent, or has sent."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from ecgedge.recording.csvfile import read_csv
from ecgedge.recording.rates import check_fs
from ecgedge.recording.wfdbfile import find_record, read_wfdb
from ecgedge_bridge.capture.replay import replay
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import SampleBlock

__all__ = ["CAPTURE", "read"]

CAPTURE = ".cap"
_TEXT = (".csv", ".csv.gz", ".txt", ".txt.gz", ".tsv", ".tsv.gz")


def read(
    path: str | PathLike[str], fs: float | None = None, channel: str | int | None = None
) -> Iterator[SampleBlock]:
    """Read a recording, about one second at a time.

    Four layouts are understood: captures of a wearable (``.cap``, as ``ecgedge capture`` writes them), WFDB
    records (``.hea`` with ``.dat`` or ``.mat``, with or without the suffix; needs ``pip install
    'ecgedge[wfdb]'``), text with a header that names a time and an ECG column as the loggers of chest straps
    write it (``time_ns,ecg_uV``), and text of one column of mV. Text may be gzipped. Of a capture the blocks
    are those that the wearable gave when it was live.

    Parameters
    ----------
    path : str or path-like
        The file, or the WFDB record.
    fs : float, optional
        Sampling rate in Hz, 50 to 4000. Required for a file without a time column; elsewhere it overrides
        what the file says. Without it, the rate of a text file is that of its time steps, taken as 130 Hz
        within 2 %: the clock of a strap is no better than that.
    channel : str or int, optional
        Name or number of the signal (WFDB), or name of the column (text). Without it: lead I, else MLII,
        else II, else the first.

    Yields
    ------
    SampleBlock
        float32, mV. Missing values stay NaN, and a hole in the time stamps of a text file becomes a jump of
        ``sample`` by what is missing: the monitor turns both into gap events.

    Raises
    ------
    ConfigError
        When the file cannot be used. What the first lines show is raised by the call itself, the rest on the
        way.

    Examples
    --------
    >>> import numpy as np, tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "ecg.csv"
    >>> np.savetxt(path, np.zeros(300), header="ecg_mV", comments="")
    >>> [(block.sample, len(block.samples)) for block in read(path, fs=130)]
    [(0, 130), (130, 130), (260, 40)]
    """
    file = Path(path).expanduser()
    if fs is not None:
        check_fs(fs, "fs")
    if file.suffix.lower() == CAPTURE and file.is_file():
        return _read_capture(file, fs, channel)
    record = find_record(file)
    if record is not None:
        return read_wfdb(record, fs, channel)
    _check_file(file)
    return read_csv(file, fs, channel)


def _read_capture(file: Path, fs: float | None, channel: str | int | None) -> Iterator[SampleBlock]:
    if fs is not None or channel is not None:
        raise ConfigError(
            f"{file} is a capture, which knows its rate and its signal: leave out fs and channel"
        )
    return (event for event in replay(file) if isinstance(event, SampleBlock))


def _check_file(file: Path) -> None:
    """Raise ConfigError unless this is a text file by name and there."""
    if file.is_dir():
        raise ConfigError(f"{file} is a folder: name one recording in it")
    if not file.exists():
        raise ConfigError(
            f"no such file: {file}: check the path (a WFDB record needs its .hea file beside it)"
        )
    if not file.name.lower().endswith(_TEXT):
        known = ", ".join(_TEXT[::2])
        raise ConfigError(
            f"{file} is of no known kind: use a capture ({CAPTURE}), a WFDB record (.hea), "
            f"or text ({known}; .gz too)"
        )
