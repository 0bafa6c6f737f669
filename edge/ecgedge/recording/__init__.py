"""Recordings from disk as the blocks that a wearable would have sent, or has sent."""

from __future__ import annotations

from os import PathLike, fspath
from pathlib import Path

from ecgedge.recording.blocks import Blocks, ReadNote, Wanted
from ecgedge.recording.load import Recording, load
from ecgedge.recording.rates import check_fs
from ecgedge.recording.readers import READERS
from ecgedge.recording.readers.capture import SUFFIX as CAPTURE
from ecgedge.recording.readers.wfdb_record import header_of
from ecgedge.recording.source import Source
from ecgedge.recording.units import parse_unit
from ecgedge_bridge.errors import ConfigError

__all__ = ["CAPTURE", "Blocks", "ReadNote", "Recording", "load", "read"]


def read(
    path: str | PathLike[str],
    fs: float | None = None,
    channel: str | int | None = None,
    unit: str | None = None,
) -> Blocks:
    """Read a recording, about one second at a time.

    What a file is shows in its content, not in its name: captures of a wearable (as ``ecgedge capture``
    writes them), WFDB records (``.hea`` with its signal files), and text with rows of numbers. Text may
    be gzipped, in UTF-8, UTF-16 or Latin-1, separated by commas, semicolons, tabs or spaces, with
    decimal commas, with a header in several languages or without one, with lines before it, and with
    times in s, ms, us, ns, ISO 8601 or as time of day. Of a capture the blocks are those that the
    wearable gave when it was live.

    Time stamps of a text are compared with the count of samples. Later stamps that stay late by less than an
    hour are a loss, which becomes a jump of ``sample``. Stamps that come back to the count are jitter. Those
    that stay late by an hour or more, or early, are a step of the clock: a note, and nothing is lost.

    Parameters
    ----------
    path : str or path-like
        The file, or the WFDB record. ``-`` is standard input; a FIFO is read as it comes.
    fs : float, optional
        Sampling rate in Hz, 50 to 4000. Required for a text without times that does not say its
        rate; elsewhere it overrides what the file says, and time stamps still show what was lost.
        Without it, the rate of a text is that of its stamps: the roundest within what they leave
        open.
    channel : str or int, optional
        Name or number (from 0) of the signal or column. Without it: lead I, else MLII, else II,
        else the first ECG; a signal that is none is never taken.
    unit : str, optional
        ``mV``, ``uV``, ``V``, ``nV`` or ``counts``, where the file does not name the unit or names
        a wrong one. Counts are scaled as if a heartbeat had 1 mV. A unit that no one named is told
        from the size of the heartbeats, and a note says which was assumed.

    Returns
    -------
    Blocks
        An iterator of :class:`SampleBlock`, float32, mV, with ``fs``, ``start``, ``channel``, ``unit`` and
        ``notes``. Missing values are NaN, and lost samples a jump of ``sample``: the monitor turns both into
        gap events.

    Raises
    ------
    ConfigError
        When the file cannot be used. What the first rows show is raised by the call itself, the rest on the
        way, behind everything that is good.

    Examples
    --------
    >>> import numpy as np, tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "ecg.csv"
    >>> np.savetxt(path, np.zeros(300), header="ecg_mV", comments="")
    >>> [(block.sample, len(block.samples)) for block in read(path, fs=130)]
    [(0, 130), (130, 130), (260, 40)]
    """
    file = _path(path)
    wanted = Wanted(None if fs is None else check_fs(fs, "fs"), channel, unit)
    if unit is not None and parse_unit(unit) is None:
        raise ConfigError(f"unit {unit[:20]!r} is not known: choose mV, uV, V, nV or counts")
    source = Source(header_of(file) or file)
    for reader in READERS:
        if reader.recognizes(source):
            return reader.read(source, wanted)
    source.close()
    known = ", ".join(reader.form for reader in READERS if reader.form)
    raise ConfigError(f"{source.name} is of no known kind: use {known}")


def _path(path: str | PathLike[str]) -> Path:
    try:
        return Path(fspath(path)).expanduser()
    except RuntimeError as error:  # ~nosuchuser
        raise ConfigError(f"{fspath(path)[:80]}: no such user: check the path") from error
