"""Text recordings: with a time column as the loggers of chest straps write them, or one bare column of mV."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from ecgedge.recording.rates import check_fs, nominal_fs
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import SampleBlock

__all__ = ["read_csv"]

_PROBE_ROWS = 1024  # rows that decide the rate: 8 s at 130 Hz
_MAX_LINE = 4096  # characters; a longer line is no recording but a binary file
_TIME_NS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
_PER_MV = {"uv": 1000.0, "mv": 1.0, "v": 1e-3}  # divided by, so that 123 uV is the float nearest to 0.123 mV
_SEPARATORS = ",;\t"

Line = tuple[int, str]  # its number in the file, from 1, and its text


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the columns are. ``time`` is None for a file without time stamps."""

    file: Path
    separator: str
    columns: int
    value: int
    per_mv: float
    time: int | None
    time_ns: int
    header_lines: int


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Parsed rows: mV, and the times in ns where the file has them."""

    lines: list[Line]
    mv: npt.NDArray[np.float64]
    time_ns: npt.NDArray[np.int64] | None


def read_csv(file: Path, fs: float | None, channel: str | int | None) -> Iterator[SampleBlock]:
    """Read a text recording; ``ecgedge.read`` describes it. Memory does not grow with the file."""
    lines = _lines(file)
    first = next(lines, None)
    if first is None:
        raise ConfigError(f"{file} is empty: record again, or name another file")
    layout = _layout(file, first[1], channel)
    if layout.time is None and fs is None:
        raise ConfigError(
            f"{file} has no time column: say its sampling rate with fs, for example fs=130 (--fs 130)"
        )
    body = lines if layout.header_lines else chain([first], lines)
    probe = _parse(list(islice(body, _PROBE_ROWS)), layout)
    if not probe.lines:
        raise ConfigError(f"{file} has a header and no samples: record again, or name another file")
    return _blocks(probe, body, layout, _Steps.of(probe, fs, file))


# --- lines ---


def _lines(file: Path) -> Iterator[Line]:
    """Yield the lines without their ends; blank ones only where text follows."""
    blank: list[Line] = []
    for number, text in _raw_lines(file):
        if not text:
            blank.append((number, text))
            if len(blank) > _PROBE_ROWS:
                raise ConfigError(f"{file}, line {number}: too many blank lines: remove them, or write nan")
            continue
        yield from blank
        blank.clear()
        yield number, text


def _raw_lines(file: Path) -> Iterator[Line]:
    number = 0
    try:
        with file.open("rb") as raw, _text(raw, file) as stream:
            while text := stream.readline(_MAX_LINE):
                number += 1
                if len(text) == _MAX_LINE:
                    raise ConfigError(
                        f"{file}, line {number}: this is not text: use a WFDB record or a CSV file"
                    )
                yield number, text.strip().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{file}, line {number + 1}: this is not text: use a WFDB record or a CSV file"
        ) from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ConfigError(
            f"{file} after line {number}: damaged gzip ({error}): copy the file again"
        ) from error
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror or error}: check its permissions") from error


def _text(raw: BinaryIO, file: Path) -> TextIOWrapper:
    return TextIOWrapper(
        gzip.GzipFile(fileobj=raw) if file.suffix.lower() == ".gz" else raw, encoding="utf-8"
    )


# --- columns ---


def _layout(file: Path, first: str, channel: str | int | None) -> _Layout:
    separator = max(_SEPARATORS, key=first.count)
    cells = [cell.strip().strip('"') for cell in first.split(separator)]
    if _is_number(cells[0]):
        return _bare_layout(file, separator, cells, channel)
    value = _value_column(file, cells, channel)
    time, time_ns = _time_column(cells)
    if time is None and len(cells) > 1 and channel is None:
        raise ConfigError(
            f"{file}, line 1: no time column in {cells}: name one 'time_ns', or choose --channel and --fs"
        )
    return _Layout(file, separator, len(cells), value, _per_mv(cells[value]), time, time_ns, 1)


def _bare_layout(file: Path, separator: str, cells: list[str], channel: str | int | None) -> _Layout:
    """Layout of a file that starts with numbers: one column of mV."""
    if len(cells) > 1:
        wanted = "a header such as 'time_ns,ecg_uV'"
        raise ConfigError(
            f"{file}, line 1: {len(cells)} columns and no names: add {wanted}, or leave one column of mV"
        )
    if channel is not None:
        raise ConfigError(f"{file} has one column without a name: leave out channel={channel!r}")
    return _Layout(file, separator, 1, 0, 1.0, None, 1, 0)


def _value_column(file: Path, cells: list[str], channel: str | int | None) -> int:
    """Column of the ECG: the one that was asked for, or the first that calls itself ECG, or the only one."""
    if isinstance(channel, int) and 0 <= channel < len(cells):
        return channel
    if channel is not None:
        found = [i for i, cell in enumerate(cells) if cell.lower() == str(channel).lower()]
    else:
        found = [i for i, cell in enumerate(cells) if re.search("ecg|ekg", cell, re.IGNORECASE)]
        found = found or ([0] if len(cells) == 1 and _unit(cells[0]) in _PER_MV else [])
    if not found:
        wanted = "an ECG column" if channel is None else f"column {channel!r}"
        raise ConfigError(f"{file}, line 1: {wanted} is missing from {cells}: name one 'ecg_uV' or 'ecg_mV'")
    return found[0]


def _time_column(cells: list[str]) -> tuple[int | None, int]:
    """First column that calls itself time and says its unit, with the unit in ns."""
    for i, cell in enumerate(cells):
        if "time" in cell.lower() and _unit(cell) in _TIME_NS:
            return i, _TIME_NS[_unit(cell)]
    return None, 1


def _unit(name: str) -> str:
    """Last word of a column's name: ``ecg_uV``, ``ecg [uV]`` and ``ECG (µV)`` all give ``uv``."""
    words = re.findall(r"[a-z]+", re.sub("[µμ]", "u", name.lower()))
    return words[-1] if words else ""


def _per_mv(name: str) -> float:
    """Units in a mV; a column that names no unit is in mV."""
    return _PER_MV.get(_unit(name), 1.0)


# --- numbers ---


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _parse(lines: list[Line], layout: _Layout) -> _Rows:
    cells = [text.split(layout.separator) for _, text in lines]
    if not all(text for _, text in lines):
        raise _bad_line(lines, layout)
    try:
        mv = np.array([_value(row[layout.value]) for row in cells], dtype=np.float64) / layout.per_mv
        time_ns = None
        if layout.time is not None:
            time_ns = np.array([_ns(row[layout.time], layout.time_ns) for row in cells], dtype=np.int64)
    except (ValueError, IndexError, OverflowError):
        raise _bad_line(lines, layout) from None
    return _Rows(lines, mv, time_ns)


def _value(cell: str) -> float:
    """Number in a cell; an empty cell beside a time stamp is a missing value."""
    return float(cell) if cell else float("nan")


def _ns(cell: str, unit_ns: int) -> int:
    """Nanoseconds, exact where the file has whole numbers: float64 is 256 ns coarse at today's epoch."""
    return int(cell) * unit_ns if cell.strip().lstrip("-").isdigit() else round(float(cell) * unit_ns)


def _bad_line(lines: list[Line], layout: _Layout) -> ConfigError:
    """Find the line that could not be parsed and say what is wrong with it."""
    for number, text in lines:
        row = text.split(layout.separator)
        where = f"{layout.file}, line {number}"
        if not text:
            return ConfigError(
                f"{where}: blank line between samples: remove it, or write nan for a missing sample"
            )
        if len(row) < layout.columns:
            return ConfigError(f"{where}: {len(row)} of {layout.columns} columns: repair or remove that line")
        wanted = [layout.value] if layout.time is None else [layout.time, layout.value]
        for cell in (row[i] for i in wanted):
            if not _is_number(cell):
                return ConfigError(f"{where}: {cell[:40]!r} is no number: repair that line, or write nan")
    return ConfigError(
        f"{layout.file}, line {lines[0][0]}: a time that is no time: repair or remove that line"
    )


# --- time ---


@dataclass(frozen=True, slots=True)
class _Steps:
    """Nominal rate for the blocks, and the measured one that counts holes (None: the times are of no use)."""

    fs: float
    measured_fs: float | None

    @classmethod
    def of(cls, probe: _Rows, fs: float | None, file: Path) -> _Steps:
        """Measure the rate: mean of the ordinary steps, which are those near the median."""
        steps = np.array([]) if probe.time_ns is None else np.diff(probe.time_ns).astype(np.float64)
        middle = float(np.median(steps)) if len(steps) else 0.0
        if middle <= 0:  # no times, one row, or one stamp for a whole radio frame: nothing to count holes by
            if fs is None:
                raise ConfigError(
                    f"{file}: the rate does not show in its time stamps: give fs, e.g. fs=130 (--fs 130)"
                )
            return cls(fs, None)
        ordinary = steps[(steps > 0.5 * middle) & (steps < 1.5 * middle)]
        measured = check_fs(1e9 / float(np.mean(ordinary)), f"the time step of {file} says fs")
        return cls(nominal_fs(measured) if fs is None else fs, measured)


def _blocks(probe: _Rows, body: Iterator[Line], layout: _Layout, steps: _Steps) -> Iterator[SampleBlock]:
    """Cut the rows into blocks of about a second, and at holes."""
    size = max(1, round(steps.fs))
    sample, last_ns = 0, None
    rows = probe
    while rows.lines:
        jumps = _missing(rows, last_ns, steps, layout.file)
        edges = sorted({*range(0, len(rows.mv), size), *np.flatnonzero(jumps).tolist(), len(rows.mv)})
        for start, stop in pairwise(edges):
            sample += int(jumps[start])
            yield _block(rows, start, stop, sample, steps.fs)
            sample += stop - start
        last_ns = None if rows.time_ns is None else int(rows.time_ns[-1])
        rows = _parse(list(islice(body, size)), layout)


def _block(rows: _Rows, start: int, stop: int, sample: int, fs: float) -> SampleBlock:
    time_ns = None if rows.time_ns is None else int(rows.time_ns[stop - 1])
    return SampleBlock(rows.mv[start:stop].astype(np.float32), fs, sample, device_time_ns=time_ns)


def _missing(rows: _Rows, last_ns: int | None, steps: _Steps, file: Path) -> npt.NDArray[np.int64]:
    """Samples that are missing before each row, by its time."""
    if rows.time_ns is None or steps.measured_fs is None:
        return np.zeros(len(rows.mv), dtype=np.int64)
    first = rows.time_ns[0] if last_ns is None else last_ns
    step_ns = np.diff(rows.time_ns, prepend=first)
    if np.any(step_ns < 0):
        number = rows.lines[int(np.argmax(step_ns < 0))][0]
        raise ConfigError(
            f"{file}, line {number}: time goes backwards: cut the file there, or give fs and one column"
        )
    missing = np.rint(step_ns * 1e-9 * steps.measured_fs).astype(np.int64) - 1
    return np.maximum(missing, 0)
