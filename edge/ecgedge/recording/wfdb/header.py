"""Headers of WFDB records, as header(5) lays them out, in time linear in their length and with bounds on all.

A record line, then one line a signal (or a segment)::

    name[/segments] signals [fs[/counter[(base)]] [samples [time [date]]]]
    file format[xper_frame][:skew][+offset] [gain[(baseline)][/unit] [bits [zero [initial
        [checksum [block [name]]]]]]]
    segment samples
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.files import open_file

__all__ = ["NULL", "Header", "Segment", "SignalLine", "read_header"]

_MOST_BYTES = 1 << 22  # the longest real one, a week of an intensive care unit in segments, has 0.5 MB
_MOST_LINE = 4096  # signal lines of real records have under 200 characters
_MOST_SIGNALS, _MOST_SEGMENTS = 1024, 200_000
_MOST_PER_FRAME = 10_000
_MOST_SAMPLES = 1 << 40
_DEFAULT_FS, _DEFAULT_GAIN = 250.0, 200.0  # header(5)
_LEAST_GAIN = 1e-9  # with 32-bit samples in volts this is 1e22 mV, which float32 still holds
_FORMAT = re.compile(r"(\d{1,3})(?:x(\d{1,6}))?(?::(\d{1,12}))?(?:\+(\d{1,12}))?", re.ASCII)
_GAIN = re.compile(r"([0-9.eE+-]{1,32})(?:\((-?[0-9]{1,12})\))?(?:/(\S{1,64}))?")
_NAME = re.compile(r"[\w.+-]{1,200}")  # no folder: a header cannot make us read elsewhere
NULL = "~"


@dataclass(frozen=True, slots=True)
class SignalLine:
    """One signal: where its samples are and what they mean, ``mV = (adc - baseline) / gain`` in its unit."""

    file: str
    format: int
    per_frame: int
    skew: int
    offset: int
    gain: float
    baseline: int
    unit: str
    initial: int
    name: str


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a record: the name of its own header, "~" where nothing was measured, and its frames."""

    name: str
    frames: int


@dataclass(frozen=True, slots=True)
class Header:
    """A record's header; ``fs`` is the rate of frames in Hz, ``frames`` their number or None."""

    path: Path
    fs: float
    frames: int | None
    signals: tuple[SignalLine, ...]
    segments: tuple[Segment, ...]
    start: datetime | None


def read_header(path: Path) -> Header:
    """Read a header.

    Raises
    ------
    ConfigError
        It cannot be read, or is none.
    """
    lines = _lines(path)
    if not lines:
        raise _bad(path, 1, "it is empty")
    number, first = lines[0]
    name, _, segments = first[0].partition("/")
    if len(first) < 2 or not _NAME.fullmatch(name) or (segments and not segments.isdecimal()):
        raise _bad(path, number, "it is no record line")
    count = _whole(path, number, first[1], _MOST_SIGNALS)
    fs = _rate(path, number, first[2]) if len(first) > 2 else _DEFAULT_FS
    frames = _whole(path, number, first[3], _MOST_SAMPLES) if len(first) > 3 else 0
    start = _start(first[4:6])
    if segments:
        wanted = _whole(path, number, segments, _MOST_SEGMENTS)
        parts = tuple(_segment(path, n, words) for n, words in lines[1 : 1 + wanted])
        if len(parts) < wanted:
            raise _bad(path, lines[-1][0], f"{len(parts)} of {wanted} segments")
        return Header(path, fs, frames or None, (), parts, start)
    signals = tuple(_signal(path, n, words) for n, words in lines[1 : 1 + count])
    if len(signals) < count:
        raise _bad(path, lines[-1][0], f"{len(signals)} of {count} signals")
    return Header(path, fs, frames or None, signals, (), start)


def _bad(path: Path, number: int, why: str) -> ConfigError:
    return ConfigError(
        f"cannot read the WFDB record {path.with_suffix('')}: line {number} of its header: {why}: "
        "check its .hea and signal file"
    )


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    try:
        with open_file(path) as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}: check the path") from error
    if len(data) > _MOST_BYTES:
        raise _bad(path, 1, "it is larger than 4 MB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    found = []
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > _MOST_LINE and not line.lstrip().startswith("#"):
            raise _bad(path, number, f"longer than {_MOST_LINE} characters")
        # The name of a signal is the rest of its line, so nine splits are enough.
        words = line.split(None, 8)
        if words and not words[0].startswith("#"):
            found.append((number, words))
    return found


def _whole(path: Path, number: int, text: str, most: int) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 18 or int(text) > most:
        raise _bad(path, number, "a number that is none, or too large")
    return int(text)


def _float(path: Path, number: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < 1e12 or "_" in text:
        raise _bad(path, number, "a number that is none, or too large")
    return value


def _rate(path: Path, number: int, text: str) -> float:
    fs = _float(path, number, text.partition("/")[0])
    if fs <= 0:
        raise _bad(path, number, "a rate that is not positive")
    return fs


def _start(words: list[str]) -> datetime | None:
    """Date and time of the first sample; None where one is missing or, as in old records, only a year."""
    if len(words) < 2:
        return None
    try:
        day, month, year = (int(part) for part in words[1].split("/"))
        clock = ["0", "0", *words[0].split(":")][-3:]
        hours, minutes, seconds = int(clock[0]), int(clock[1]), float(clock[2])
        start = datetime(year, month, day)
        return start + timedelta(hours=hours, minutes=minutes, seconds=seconds)
    except (ValueError, OverflowError, IndexError):
        return None


def _segment(path: Path, number: int, words: list[str]) -> Segment:
    if len(words) < 2 or (words[0] != NULL and not _NAME.fullmatch(words[0])):
        raise _bad(path, number, "it names no segment")
    return Segment(words[0], _whole(path, number, words[1], _MOST_SAMPLES))


def _signal(path: Path, number: int, words: list[str]) -> SignalLine:
    if len(words) < 2:
        raise _bad(path, number, "it describes no signal")
    if words[0] != NULL and not _NAME.fullmatch(words[0]):
        raise _bad(path, number, "its signal file has a name with a folder or odd characters in it")
    layout = _FORMAT.fullmatch(words[1])
    if not layout:
        raise _bad(path, number, "it names no format")
    per_frame = int(layout[2] or 1)
    if not 1 <= per_frame <= _MOST_PER_FRAME:
        raise _bad(path, number, f"{per_frame} samples a frame")
    zero = int(_float(path, number, words[4])) if len(words) > 4 else 0
    initial = int(_float(path, number, words[5])) if len(words) > 5 else zero
    scale = _scale(path, number, words[2] if len(words) > 2 else "", zero)
    return SignalLine(
        words[0], int(layout[1]), per_frame, int(layout[3] or 0), int(layout[4] or 0),
        scale.gain, scale.baseline, scale.unit, initial, words[8].strip() if len(words) > 8 else "",
    )  # fmt: skip


class _Scale(NamedTuple):
    gain: float
    baseline: int
    unit: str


def _scale(path: Path, number: int, text: str, zero: int) -> _Scale:
    """Gain, baseline and unit; a gain of 0 is one that nobody has measured, and stands for 200."""
    if not text:
        return _Scale(_DEFAULT_GAIN, zero, "mV")
    match = _GAIN.fullmatch(text)
    if match is None:
        raise _bad(path, number, "a gain that is no number")
    gain = _float(path, number, match[1]) or _DEFAULT_GAIN
    if abs(gain) < _LEAST_GAIN:
        raise _bad(path, number, f"a gain of {gain:g}, which no recorder has")
    return _Scale(gain, zero if match[2] is None else int(match[2]), match[3] or "mV")
