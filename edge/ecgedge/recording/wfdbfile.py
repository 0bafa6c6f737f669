"""WFDB records, through the wfdb library (an optional extra)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ecgedge.recording.rates import check_fs
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import SampleBlock

__all__ = ["find_record", "read_wfdb", "units_per_mv"]

_CHUNK_S = 64  # seconds for each call of the library, which reads the header anew each time
_PER_MV = {"mv": 1.0, "uv": 1e3, "v": 1e-3, "nv": 1e6}
_PREFERRED = ("i", "lead i", "mlii", "ii", "lead ii")  # a wearable's lead first, then what is nearest to it


def find_record(file: Path) -> Path | None:
    """Path of the WFDB record without suffix, or None when this is none.

    Raises
    ------
    ConfigError
        When the name is that of a record's part and the header is not there.
    """
    if file.suffix.lower() in (".hea", ".dat", ".mat"):
        header = file.with_suffix(".hea")
        if not header.is_file():
            raise ConfigError(f"no such file: {header}: a WFDB record needs its header file; check the path")
        return file.with_suffix("")
    return file if file.with_name(file.name + ".hea").is_file() else None


def read_wfdb(record: Path, fs: float | None, channel: str | int | None) -> Iterator[SampleBlock]:
    """Read one signal of a WFDB record; ``ecgedge.read`` describes it."""
    wfdb = _library()
    header = _call(record, wfdb.rdheader, str(record))
    if not header.sig_len or not header.n_sig:
        raise ConfigError(f"{record}.hea describes no samples: name another record")
    probe = _call(record, wfdb.rdrecord, str(record), sampto=1)
    index = _choose(record, list(probe.sig_name), channel)
    per_mv = units_per_mv(record, probe.units[index])
    rate = check_fs(float(header.fs), f"{record}.hea says fs") if fs is None else fs
    return _blocks(wfdb, record, index, per_mv, rate, int(header.sig_len))


def _library() -> Any:
    try:
        import wfdb
    except ImportError as error:
        raise ConfigError(
            "reading WFDB records needs the wfdb library: pip install 'ecgedge[wfdb]'"
        ) from error
    return wfdb


def _call(record: Path, function: Any, *args: Any, **kwargs: Any) -> Any:
    """Call the library, which raises whatever a broken file trips, from IndexError to its own classes."""
    try:
        return function(*args, **kwargs)
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise ConfigError(
            f"cannot read the WFDB record {record} ({why}): check its .hea and signal file"
        ) from error


def _choose(record: Path, names: list[str], channel: str | int | None) -> int:
    """Index of the signal that was asked for, or of the best lead."""
    lower = [str(name).strip().lower() for name in names]
    if channel is None:
        return next((lower.index(name) for name in _PREFERRED if name in lower), 0)
    if str(channel).strip().lower() in lower:
        return lower.index(str(channel).strip().lower())
    if str(channel).isdigit() and int(channel) < len(names):
        return int(channel)
    raise ConfigError(f"{record} has no signal {channel!r}: choose one of {', '.join(map(str, names))}")


def units_per_mv(record: Path, unit: str) -> float:
    """How many of a signal's units make a mV.

    Raises
    ------
    ConfigError
        The unit is not one of voltage.

    Examples
    --------
    >>> units_per_mv(Path("100"), "uV")
    1000.0
    """
    per_mv = _PER_MV.get(unit.strip().lower().replace("µ", "u"))
    if per_mv is None:
        raise ConfigError(f"{record} has a signal in {unit!r}, not a voltage: choose another with channel")
    return per_mv


def _blocks(
    wfdb: Any, record: Path, index: int, per_mv: float, fs: float, length: int
) -> Iterator[SampleBlock]:
    size = max(1, round(fs))
    for start in range(0, length, size * _CHUNK_S):
        stop = min(length, start + size * _CHUNK_S)
        part = _call(record, wfdb.rdrecord, str(record), sampfrom=start, sampto=stop, channels=[index])
        mv = (np.asarray(part.p_signal)[:, 0] / per_mv).astype(np.float32)
        for at in range(0, len(mv), size):
            yield SampleBlock(mv[at : at + size], fs, start + at)
