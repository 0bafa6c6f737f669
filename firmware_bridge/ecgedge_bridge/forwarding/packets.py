"""The packets between a forwarding node and a gateway: bytes to values and back.

A packet holds records of a capture (``capture/file.py``), as they came: raw notifications with their arrival
times, and what the link reported. The gateway decodes them with the session that would have been live, so
its values are those of a direct link to the last bit. All numbers are little-endian::

    4 bytes  89 45 43 46 ("ECF" behind a byte that is no text)
    u8       version, 1
    u8       kind: 0 records, 1 the description
    8 bytes  stream: drawn by lot when a node begins to forward
    u32      number: of the packet in its stream, from 0; of a description, the packet that comes after it
    u32      oldest: number of the oldest packet that the node still has and may send again
    n bytes  kind 0: records of a capture; kind 1: a whole capture, whose records are the newest connection's
             set-up
    u32      CRC-32 (as in zlib) of all before it

What a gateway answers (``TAKEN``) is 12 bytes for each stream: the 8 bytes, and the number (u32) that it
waits for. All before it was taken, and need not be kept.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

from ecgedge_bridge.capture.file import Capture, Sliced, read_capture
from ecgedge_bridge.capture.layout import MAX_HEADER
from ecgedge_bridge.codes import FrameCode
from ecgedge_bridge.errors import ConfigError, FrameError

__all__ = ["MAX_RECORDS", "MOST_STREAMS", "Kind", "Packet", "description", "pack_taken", "parse_taken"]

MAGIC = b"\x89ECF"
VERSION = 1
STREAM_BYTES = 8
_HEAD = struct.Struct(f"<4sBB{STREAM_BYTES}sII")
_CRC = struct.Struct("<I")
_TAKEN = struct.Struct(f"<{STREAM_BYTES}sI")
MAX_RECORDS = 1 << 16
"""Most bytes of records in a packet: two hundred notifications of an H10, after a stall of the node."""
# A description holds the set-up too: some dozen notifications.
_MAX_BYTES = MAX_HEADER + MAX_RECORDS + _HEAD.size + _CRC.size
MOST_STREAMS = 1000
"""Streams in one answer, at most: a node has some ten."""


class Kind(IntEnum):
    """What a packet holds."""

    RECORDS = 0
    DESCRIPTION = 1


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet; the fields are those of the layout above.

    Examples
    --------
    >>> packet = Packet(Kind.RECORDS, b"stream 1", 7, 5, b"records")
    >>> Packet.parse(packet.encode()) == packet
    True
    >>> Packet.parse(packet.encode()[:-1] + b"?")
    Traceback (most recent call last):
    ecgedge_bridge.errors.FrameError: a packet's checksum is wrong: it is left out, and counted
    """

    kind: Kind
    stream: bytes
    number: int
    oldest: int
    data: bytes

    def encode(self) -> bytes:
        """Return the bytes."""
        body = _HEAD.pack(MAGIC, VERSION, self.kind, self.stream, self.number, self.oldest) + self.data
        return body + _CRC.pack(zlib.crc32(body))

    @classmethod
    def parse(cls, data: bytes) -> Packet:
        """Read a packet.

        Raises
        ------
        FrameError
            It is none, of a later version, or damaged.
        """
        if len(data) > _MAX_BYTES:
            raise FrameError(f"a packet of {len(data)} bytes: it is left out, and counted", FrameCode.LENGTH)
        if len(data) < _HEAD.size + _CRC.size or not data.startswith(MAGIC):
            raise FrameError("this is no packet of 'ecgedge forward': left out, and counted", FrameCode.KIND)
        _, version, kind, stream, number, oldest = _HEAD.unpack_from(data)
        if version != VERSION or kind not in tuple(Kind):
            raise FrameError(
                f"a packet of version {version}, kind {kind}: update ecgedge here", FrameCode.KIND
            )
        if zlib.crc32(data[: -_CRC.size]) != _CRC.unpack(data[-_CRC.size :])[0]:
            raise FrameError("a packet's checksum is wrong: it is left out, and counted", FrameCode.CHECKSUM)
        return cls(Kind(kind), stream, number, oldest, data[_HEAD.size : -_CRC.size])


class _Bytes(NamedTuple):
    path: Path
    data: bytes

    def open(self) -> AbstractContextManager[Sliced]:
        return nullcontext(self.data)


def description(packet: Packet, name: str) -> Capture:
    """Return the capture that a description holds; ``name`` stands in what is said of it.

    Raises
    ------
    FrameError
        It holds none.
    """
    try:
        return read_capture(_Bytes(Path(name), packet.data))
    except ConfigError as error:
        raise FrameError(f"a description that cannot be read: {error}", FrameCode.VALUE) from error


def pack_taken(waits_for: Mapping[bytes, int]) -> bytes:
    """Encode what a gateway waits for, by stream.

    Examples
    --------
    >>> list(parse_taken(pack_taken({b"stream 1": 7})))
    [(b'stream 1', 7)]
    """
    return b"".join(_TAKEN.pack(stream, number) for stream, number in waits_for.items())


def parse_taken(data: bytes) -> Iterable[tuple[bytes, int]]:
    """Decode what a gateway waits for; bytes that are none of it mean nothing."""
    if len(data) % _TAKEN.size or len(data) > MOST_STREAMS * _TAKEN.size:
        return ()
    return _pairs(data)


def _pairs(data: bytes) -> Iterator[tuple[bytes, int]]:
    yield from _TAKEN.iter_unpack(data)
