"""Captures: raw notifications with their arrival times in an append-only file that survives a crash.

Each record is one unbuffered write with its own checksum, so a program that is killed at any moment leaves
a file that is good up to the last whole record; once a second the disk is made to have it, so that a power
cut costs no more. Only the owner can read the file: it holds what a body does. ``replay.py`` turns a
capture into the values of a live stream, ``record.py`` makes one of a wearable. All numbers are
little-endian::

    header   8 bytes  89 45 43 47 43 41 50 0A ("ECGCAP" between a byte that is no text and a line feed)
             u16      version, 1
             u32      length n of the description
             n bytes  description: a JSON object in UTF-8, see CaptureHeader
             u32      CRC-32 (as in zlib) of everything from the version on
    record   u16      length n of the value, at most 512
             f64      arrival on the host's monotonic clock, in seconds
             16 bytes characteristic: UUID, most significant byte first; all zero for what the link reported,
                      whose value is a JSON object in UTF-8 with the keys state, detail and device, and where
                      there is one code and retry_s; an empty state is a note
             n bytes  value
             u32      CRC-32 of the record so far

Times are kept as the float that the decoders were given, so that a replay is exact to the last bit.
"""

from __future__ import annotations

import math
import mmap
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from ecgedge_bridge.capture.layout import (
    CRC,
    HEADER,
    LINK,
    MAGIC,
    MAX_HEADER,
    MAX_VALUE,
    RECORD,
    VERSION,
    CaptureHeader,
    Damaged,
    LinkRecord,
    Notification,
    Record,
    Said,
)
from ecgedge_bridge.capture.writer import CaptureWriter
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.files import open_file
from ecgedge_bridge.schema import Place, build, parse_json

__all__ = [
    "MAGIC",
    "Capture",
    "CaptureHeader",
    "CaptureWriter",
    "Damaged",
    "LinkRecord",
    "Notification",
    "read_capture",
]

# A first byte that is no text and a line feed: a transfer that converts text spoils the file visibly.


@dataclass(frozen=True, slots=True)
class Capture:
    """A capture on disk. Iterate over it, as often as needed; memory does not grow with the file.

    Damaged bytes come as a :class:`Damaged` value in their place, and reading goes on behind them.
    """

    path: Path
    header: CaptureHeader
    body_offset: int

    def __iter__(self) -> Iterator[Record | Damaged]:
        """Read the records in the order of the file."""
        with open_file(self.path) as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            at = self.body_offset
            while at < len(data):
                found, at = _parse(data, at) or _damaged(data, at)
                yield found


def read_capture(path: str | Path) -> Capture:
    """Open a capture.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    Capture
        Its header, and its records by iteration.

    Raises
    ------
    ConfigError
        If there is no such file, or it is no capture, or not one of a version that is understood.
    """
    file = Path(path)
    try:
        with open_file(file) as opened:
            start = opened.read(len(MAGIC) + HEADER.size)
            rest = opened.read(min(_header_length(file, start), MAX_HEADER) + CRC.size)
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}: check the path") from error
    body = start[len(MAGIC) :] + rest[: -CRC.size]
    if zlib.crc32(body) != int.from_bytes(rest[-CRC.size :], "little"):
        raise _ends_in_header(file)
    return Capture(file, _description(file, body[HEADER.size :]), len(start) + len(rest))


def _header_length(file: Path, start: bytes) -> int:
    if not start.startswith(MAGIC) and not MAGIC.startswith(start[: len(MAGIC)]):
        raise ConfigError(f"{file} is no capture: name a file that `ecgedge capture` has written")
    if len(start) < len(MAGIC) + HEADER.size:
        raise _ends_in_header(file)
    version, length = HEADER.unpack_from(start, len(MAGIC))
    if version != VERSION:
        raise ConfigError(f"{file} is a capture of version {version}: update ecgedge to read it")
    return int(length)


def _ends_in_header(file: Path) -> ConfigError:
    return ConfigError(f"{file} has no whole header, so nothing was recorded in it: record again")


def _description(file: Path, text: bytes) -> CaptureHeader:
    place = Place(f"{file}:", remedy="record again", complete=True)
    values = parse_json(text, place, MAX_HEADER)
    # Later versions may say more about a capture; what they add does not keep this one from reading it.
    return build(CaptureHeader, {k: v for k, v in values.items() if k in CaptureHeader.__slots__}, place)


class _Parsed(NamedTuple):
    """What stands at an offset, and where the next record begins."""

    found: Record | Damaged
    stop: int


def _parse(data: mmap.mmap, at: int) -> _Parsed | None:
    """Return the record at an offset, or None if there is no whole one."""
    if at + RECORD.size > len(data):
        return None
    length, host_time_s, uuid = RECORD.unpack_from(data, at)
    stop = at + RECORD.size + length
    if length > MAX_VALUE or stop + CRC.size > len(data):
        return None
    if zlib.crc32(data[at:stop]) != CRC.unpack_from(data, stop)[0]:
        return None
    record = _make(uuid, data[at + RECORD.size : stop], host_time_s)
    return None if record is None else _Parsed(record, stop + CRC.size)


def _make(uuid: bytes, value: bytes, host_time_s: float) -> Record | None:
    if not math.isfinite(host_time_s):
        return None  # no clock gives that
    if uuid != LINK:
        return Notification(_uuid_text(uuid), value, host_time_s)
    try:
        fields = parse_json(value, place := Place("record"), MAX_VALUE)
        said = build(Said, {key: fields[key] for key in fields if key in Said.__slots__}, place)
    except ConfigError:
        return None
    return LinkRecord(said.state, said.detail, said.device, host_time_s, said.code, said.retry_s)


def _damaged(data: mmap.mmap, at: int) -> _Parsed:
    """Measure what is no record: up to the next one, or to the end."""
    after = next((place for place in range(at + 1, len(data)) if _parse(data, place)), None)
    if after is not None:
        return _Parsed(Damaged(at, after - at, torn=False), after)
    length = len(data) - at
    return _Parsed(Damaged(at, length, torn=length < RECORD.size + MAX_VALUE + CRC.size), len(data))


@lru_cache(maxsize=64)
def _uuid_text(uuid: bytes) -> str:
    return str(UUID(bytes=uuid))
