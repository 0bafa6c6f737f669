"""The bytes of a capture, wherever they are written: see ``file.py`` for the layout."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import lru_cache
from uuid import UUID

from ecgedge_bridge.capture.layout import (
    CRC,
    HEADER,
    LINK,
    MAGIC,
    MARK,
    MAX_VALUE,
    RECORD,
    VERSION,
    CaptureHeader,
    LinkRecord,
)

__all__ = ["RecordWriter"]

# How many bytes of a link's detail and name are kept: the first that fit a record.
_SHARES = (512, 256, 128, 64, 32, 0)


class RecordWriter:
    """Writes a capture, a record at a time, to whatever takes bytes.

    Parameters
    ----------
    append : callable
        Takes the bytes of the header, then those of each record, whole. What it raises leaves the methods
        here as it is.
    header : CaptureHeader
        The description.

    Attributes
    ----------
    notifications : int
        How many were written.

    Examples
    --------
    >>> pieces = []
    >>> writer = RecordWriter(pieces.append, CaptureHeader("H10", "F0:F1", "polar", 0.0, 0.0))
    >>> writer.write("00002a37-0000-1000-8000-00805f9b34fb", bytes([0, 61]), host_time_s=12.5)
    >>> writer.write_mark("stairs", "H10", host_time_s=13.0)
    'stairs'
    >>> [len(piece) for piece in pieces[1:]], writer.notifications
    ([32, 96], 1)
    """

    def __init__(self, append: Callable[[bytes], object], header: CaptureHeader) -> None:
        self._append = append
        self.notifications = 0
        description = json.dumps(asdict(header)).encode()
        body = HEADER.pack(VERSION, len(description)) + description
        append(MAGIC + body + CRC.pack(zlib.crc32(body)))

    def write(self, uuid: str, data: bytes, host_time_s: float) -> None:
        """Append one notification; fits ``connect(..., on_notification=writer.write)``.

        Parameters
        ----------
        uuid : str
            The characteristic, in its long form.
        data : bytes
            Its value, at most 512 bytes.
        host_time_s : float
            Arrival on the host's monotonic clock, in seconds.

        Raises
        ------
        ConfigError
            If the file cannot be written any more, such as on a full disk; what is in it stays good.
        ValueError
            If this is no UUID of a characteristic, or the value is too long.
        """
        if (key := _uuid_bytes(uuid)) == LINK:
            raise ValueError(f"{uuid} is no characteristic: give the one that the value came from")
        if len(data) > MAX_VALUE:
            raise ValueError(f"a value of {len(data)} bytes; Bluetooth allows {MAX_VALUE}")
        self._record(key, data, host_time_s)
        self.notifications += 1

    def write_link(self, record: LinkRecord) -> LinkRecord:
        """Append what the link reported; a long detail is shortened, and a long name.

        Returns
        -------
        LinkRecord
            What was written.

        Raises
        ------
        ConfigError
            As for :meth:`write`.
        """
        for share in _SHARES:
            short = replace(
                record, detail=_shortened(record.detail, share), device=_shortened(record.device, share)
            )
            if len(value := _link_value(short)) <= MAX_VALUE:
                break
        self._record(LINK, value, record.host_time_s)
        return short

    def write_mark(self, text: str, device: str, host_time_s: float) -> str:
        """Append a mark of the wearer, made at that moment; return as much of the text as was kept.

        Raises
        ------
        ConfigError
            As for :meth:`write`.
        """
        # The text is what counts: a long name makes room for it.
        short = _shortened(device, _SHARES[3])
        return self.write_link(LinkRecord("", text, short, host_time_s, MARK)).detail

    def _record(self, uuid: bytes, value: bytes, host_time_s: float) -> None:
        body = RECORD.pack(len(value), host_time_s, uuid) + value
        self._append(body + CRC.pack(zlib.crc32(body)))


def _link_value(record: LinkRecord) -> bytes:
    fields = {name: getattr(record, name) for name in ("state", "detail", "device")}
    if record.code:
        fields["code"] = record.code
    if record.retry_s is not None:
        fields["retry_s"] = record.retry_s
    return json.dumps(fields, ensure_ascii=False).encode(errors="replace")


def _shortened(text: str, size: int) -> str:
    """Return as much of a text as fits so many bytes of UTF-8, without half a character."""
    return text.encode(errors="replace")[:size].decode(errors="ignore")


@lru_cache(maxsize=64)
def _uuid_bytes(uuid: str) -> bytes:
    return UUID(uuid).bytes
