"""Captures: raw notifications with their arrival times in an append-only file that survives a crash.

Each record is one unbuffered write with its own checksum, so a program that is killed at any moment leaves
a file that is good up to the last whole record; once a second the disk is made to have it, so that a power
cut costs no more. Only the owner can read the file: it holds what a body does. ``replay.py`` turns a
capture into the values of a live stream, ``record.py`` makes one of a wearable, ``records.py`` encodes one
for whatever takes bytes. All numbers are little-endian::

    header   8 bytes  89 45 43 47 43 41 50 0A ("ECGCAP" between a byte that is no text and a line feed)
             u16      version, 1
             u32      length n of the description
             n bytes  description: a JSON object in UTF-8, see CaptureHeader
             u32      CRC-32 (as in zlib) of everything from the version on
    record   u16      length n of the value, at most 512
             f64      arrival on the host's monotonic clock, in seconds
             16 bytes characteristic: UUID, most significant byte first; all zero for what the link reported,
                      whose value is a JSON object in UTF-8 with the keys state, detail and device, and where
                      there is one code and retry_s; an empty state is a note, and one with the code "mark" a
                      mark of the wearer with its text as the detail
             n bytes  value
             u32      CRC-32 of the record so far

Times are kept as the float that the decoders were given, so that a replay is exact to the last bit. A reader
takes a code that it does not know for a note of its own kind "other": one that is older than marks shows a
mark as a note with its text.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol
from uuid import UUID

from ecgedge_bridge.capture.layout import (
    CRC,
    HEADER,
    LINK,
    MAGIC,
    MARK,
    MAX_HEADER,
    MAX_VALUE,
    RECORD,
    VERSION,
    CaptureHeader,
    Damaged,
    LinkRecord,
    MarkRecord,
    Notification,
    Record,
    Said,
)
from ecgedge_bridge.capture.records import RecordWriter
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.files import open_file
from ecgedge_bridge.schema import Place, build, parse_json

if TYPE_CHECKING:
    from ecgedge_bridge.capture.writer import CaptureWriter

__all__ = [
    "MAGIC",
    "Capture",
    "CaptureHeader",
    "CaptureWriter",
    "Damaged",
    "LinkRecord",
    "MarkRecord",
    "Notification",
    "RecordWriter",
    "Sliced",
    "Source",
    "read_capture",
    "records_in",
]

# A first byte that is no text and a line feed: a transfer that converts text spoils the file visibly.

# The longest record, and room for the rest of one that is torn behind it.
_LAST = 4 * (RECORD.size + MAX_VALUE + CRC.size)


if not TYPE_CHECKING:  # for a type checker, every name would be there

    def __getattr__(name):
        """Load what writes files when it is first asked for: it needs threads."""
        if name == "CaptureWriter":
            from ecgedge_bridge.capture.writer import CaptureWriter

            return CaptureWriter
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class Sliced(Protocol):
    """Bytes in a row, of which pieces are taken: a memory map, ``bytes``, or what a browser keeps."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, piece: slice, /) -> bytes:
        """Return a piece; ``piece`` has no step, and both ends are given."""


class Source(Protocol):
    """Where the bytes of a capture are."""

    @property
    def path(self) -> Path:
        """What a person knows it by."""

    def open(self) -> AbstractContextManager[Sliced]:
        """Give access to the bytes, as often as asked.

        Raises
        ------
        OSError
            They cannot be read.
        """


class _File(NamedTuple):
    path: Path

    @contextmanager
    def open(self) -> Iterator[Sliced]:
        import mmap  # not on every system

        with open_file(self.path) as file:
            if not file.seek(0, 2):  # nothing cannot be mapped
                yield b""
                return
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                yield data


@dataclass(frozen=True, slots=True)
class Capture:
    """A capture on disk. Iterate over it, as often as needed; memory does not grow with the file.

    Damaged bytes come as a :class:`Damaged` value in their place, and reading goes on behind them.
    """

    path: Path
    header: CaptureHeader
    body_offset: int
    source: Source = field(repr=False, compare=False)

    def __iter__(self) -> Iterator[Record | Damaged]:
        """Read the records in the order of the file."""
        with self.source.open() as data:
            at = self.body_offset
            while at < len(data):
                found, at = _parse(data, at) or _damaged(data, at)
                yield found

    def seconds(self) -> float:
        """Return how long it lasts, up to its last record; reads the end of the file alone."""
        last_s = self.header.host_time_s
        with self.source.open() as data:
            at = max(self.body_offset, len(data) - _LAST)
            tail = data[at : len(data)]
        found = _parse(tail, 0)
        for place in range(len(tail) if found is None else 0):
            if (found := _parse(tail, place)) is not None:
                break
        while found is not None:
            assert not isinstance(found.found, Damaged)
            last_s, found = found.found.host_time_s, _parse(tail, found.stop)
        return max(last_s - self.header.host_time_s, 0.0)


def records_in(data: Sliced, at: int = 0) -> Iterator[Record | Damaged]:
    """Read the records in bytes that somebody sent, from ``at`` on; behind the first that is none, no more.

    Examples
    --------
    >>> list(records_in(b"?"))
    [Damaged(offset=0, length=1, torn=True)]
    """
    while at < len(data):
        parsed = _parse(data, at)
        if parsed is None:
            yield Damaged(at, len(data) - at, torn=True)
            return
        found, at = parsed
        yield found


def read_capture(source: str | Path | Source) -> Capture:
    """Open a capture.

    Parameters
    ----------
    source : str, Path or Source
        The file, or where else its bytes are.

    Returns
    -------
    Capture
        Its header, and its records by iteration.

    Raises
    ------
    ConfigError
        If there is no such file, or it is no capture, or not one of a version that is understood.
    """
    found: Source = _File(Path(source)) if isinstance(source, str | Path) else source
    file = found.path
    try:
        with found.open() as data:
            start = data[0 : len(MAGIC) + HEADER.size]
            end = len(start) + min(_header_length(file, start), MAX_HEADER) + CRC.size
            rest = data[len(start) : end]
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}: check the path") from error
    body = start[len(MAGIC) :] + rest[: -CRC.size]
    if zlib.crc32(body) != int.from_bytes(rest[-CRC.size :], "little"):
        raise _ends_in_header(file)
    return Capture(file, _description(file, body[HEADER.size :]), len(start) + len(rest), found)


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


def _parse(data: Sliced, at: int) -> _Parsed | None:
    """Return the record at an offset, or None if there is no whole one."""
    if at + RECORD.size > len(data):
        return None
    length, host_time_s, uuid = RECORD.unpack(data[at : at + RECORD.size])
    stop = at + RECORD.size + length
    if length > MAX_VALUE or stop + CRC.size > len(data):
        return None
    whole = data[at : stop + CRC.size]
    if zlib.crc32(whole[: -CRC.size]) != CRC.unpack(whole[-CRC.size :])[0]:
        return None
    record = _make(uuid, whole[RECORD.size : -CRC.size], host_time_s)
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
    if not said.state and said.code == MARK:
        return MarkRecord(said.detail, said.device, host_time_s)
    return LinkRecord(said.state, said.detail, said.device, host_time_s, said.code, said.retry_s)


def _damaged(data: Sliced, at: int) -> _Parsed:
    """Measure what is no record: up to the next one, or to the end."""
    after = next((place for place in range(at + 1, len(data)) if _parse(data, place)), None)
    if after is not None:
        return _Parsed(Damaged(at, after - at, torn=False), after)
    length = len(data) - at
    return _Parsed(Damaged(at, length, torn=length < RECORD.size + MAX_VALUE + CRC.size), len(data))


@lru_cache(maxsize=64)
def _uuid_text(uuid: bytes) -> str:
    return str(UUID(bytes=uuid))
