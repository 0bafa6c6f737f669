"""Our own frames in a stream of bytes: each stuffed by COBS, between zeros; without any I/O.

``PROTOCOL.md`` specifies it. A zero is never part of a frame, so whoever joins in the middle, or loses bytes,
is right again at the next one. What does not decode to a frame with the right CRC is thrown away and counted.

Consistent Overhead Byte Stuffing: S. Cheshire and M. Baker, IEEE/ACM Transactions on Networking 7(2), 1999.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ecgedge_bridge.codes import FrameCode
from ecgedge_bridge.errors import FrameError
from ecgedge_bridge.protocols.own.frames import MAX_SAMPLES, decode_frame

__all__ = ["Chunk", "FrameSplitter", "cobs", "enveloped", "uncobs"]

# A frame of 255 samples with 24 bits each, and one byte more for each 254.
_LONGEST_FRAME = 15 + 3 * (MAX_SAMPLES - 1)
LONGEST = _LONGEST_FRAME + _LONGEST_FRAME // 254 + 1
_BLOCK = 254


def cobs(data: bytes) -> bytes:
    """Stuff bytes, so that none is zero.

    Examples
    --------
    >>> cobs(bytes([0x11, 0x22, 0x00, 0x33])).hex(" ")
    '03 11 22 02 33'
    """
    out = bytearray()
    parts = data.split(b"\0")
    for k, part in enumerate(parts):
        while len(part) >= _BLOCK:
            out += b"\xff" + part[:_BLOCK]
            part = part[_BLOCK:]
            if not part and k == len(parts) - 1:  # a full block at the end has no zero behind it
                return bytes(out)
        out += bytes([len(part) + 1]) + part
    return bytes(out)


def uncobs(data: bytes) -> bytes:
    """Return what was stuffed.

    Raises
    ------
    FrameError
        It holds a zero, or a block that ends beyond it.

    Examples
    --------
    >>> uncobs(cobs(bytes(300))) == bytes(300)
    True
    """
    out, at = bytearray(), 0
    while at < len(data):
        code = data[at]
        if not code or at + code > len(data):
            raise FrameError("bytes that are no frame; they are lost", FrameCode.LENGTH)
        out += data[at + 1 : at + code]
        at += code
        if code <= _BLOCK and at < len(data):
            out.append(0)
    return bytes(out)


def enveloped(frame: bytes) -> bytes:
    """Return a frame as it is sent over a stream of bytes: a zero, the stuffed frame, a zero.

    Examples
    --------
    >>> enveloped(bytes([1, 0, 2])).hex(" ")
    '00 02 01 02 02 00'
    """
    return b"\0" + cobs(frame) + b"\0"


class Chunk(NamedTuple):
    """What stood between two zeros: a frame, or bytes that are none and why."""

    frame: bytes
    error: FrameError | None = None
    size: int = 0


class FrameSplitter:
    """Finds the frames in a stream of bytes, however it is cut. It keeps no more than a frame's bytes.

    Examples
    --------
    >>> import numpy as np
    >>> from ecgedge_bridge.protocols.own.frames import encode_frame
    >>> frame = encode_frame(np.array([0, 5, 3, -2]), 250, 7, 1000)
    >>> found = list(FrameSplitter().split(b"noise" + enveloped(frame)))
    >>> [(one.frame == frame, one.size) for one in found]
    [(False, 5), (True, 0)]
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._over = 0

    def split(self, data: bytes) -> Iterator[Chunk]:
        """Take the next bytes, yield what has come to its end."""
        *whole, rest = data.split(b"\0")
        for part in whole:
            self._keep(part)
            if self._rest or self._over:
                yield self._ended()
        self._keep(rest)

    def reset(self) -> None:
        """Forget what was begun: the stream broke off."""
        self._rest.clear()
        self._over = 0

    def _keep(self, part: bytes) -> None:
        room = LONGEST - len(self._rest)
        if self._over or len(part) > room:
            self._over += len(part) + len(self._rest)
            self._rest.clear()
        else:
            self._rest += part

    def _ended(self) -> Chunk:
        data, over = bytes(self._rest), self._over
        self.reset()
        if over:
            return Chunk(b"", FrameError("more bytes than a frame has; lost", FrameCode.LENGTH), over)
        try:
            frame = uncobs(data)
            decode_frame(frame)
        except FrameError as error:
            return Chunk(b"", error, len(data))
        return Chunk(frame)
