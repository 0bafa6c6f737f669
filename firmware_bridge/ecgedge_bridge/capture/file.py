"""Captures: raw notifications with their arrival times in an append-only file that survives a crash.

Each record is one unbuffered write with its own checksum, so a program that is killed at any moment leaves a
file that is good up to the last whole record. ``replay.py`` turns a capture into the values of a live stream,
``record.py`` makes one of a wearable. All numbers are little-endian::

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

import json
import mmap
import struct
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import NamedTuple
from uuid import UUID

from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.schema import Place, build, parse_json

__all__ = [
    "Capture",
    "CaptureHeader",
    "CaptureWriter",
    "Damaged",
    "LinkRecord",
    "Notification",
    "read_capture",
]

# A first byte that is no text and a line feed: a transfer that converts text spoils the file visibly.
MAGIC = b"\x89ECGCAP\n"
VERSION = 1
# Bluetooth Core, Vol 3, Part F, 3.2.9: no attribute value is longer.
MAX_VALUE = 512

_HEADER = struct.Struct("<HI")
_RECORD = struct.Struct("<Hd16s")
_CRC = struct.Struct("<I")
# The description of a device takes some kB. A damaged length must not make a reader take gigabytes.
_MAX_HEADER = 1 << 20
# No characteristic has this UUID: it marks what the link reported.
_LINK = bytes(16)


@dataclass(frozen=True, slots=True)
class CaptureHeader:
    """The description at the beginning of a capture.

    Parameters
    ----------
    name, address : str
        The device.
    profile : str
        Name of the profile that it was connected with.
    started_unix_s, host_time_s : float
        Beginning of the capture on the wall clock (seconds since 1970) and on the host's monotonic clock: the
        difference turns arrival times into dates.
    extras : tuple of str
        What was subscribed to besides the ECG.
    fs : float or None
        Sampling rate that was asked for in Hz; None for the profile's own.
    profile_toml : str
        The profile itself, where it came from a file.
    characteristics : dict of str to tuple of str
        What the device offers: the properties of each characteristic by its UUID.
    services : tuple of str
        UUIDs of its services.
    """

    name: str
    address: str
    profile: str
    started_unix_s: float
    host_time_s: float
    extras: tuple[str, ...] = ()
    fs: float | None = None
    profile_toml: str = ""
    characteristics: dict[str, tuple[str, ...]] = field(default_factory=dict)
    services: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Notification:
    """One notification, or one value that was read: characteristic, value, arrival time in seconds."""

    uuid: str
    data: bytes
    host_time_s: float


@dataclass(frozen=True, slots=True)
class LinkRecord:
    """What the link reported: the fields of a :class:`~ecgedge_bridge.LinkState`, or of a ``Note``.

    A note has no ``state``; ``code`` is empty and ``retry_s`` None where there is none.
    """

    state: str
    detail: str
    device: str
    host_time_s: float
    code: str = ""
    retry_s: float | None = None


Record = Notification | LinkRecord


@dataclass(frozen=True, slots=True)
class Damaged:
    """Bytes of a capture that are no record; ``torn`` if the file ends there, inside its last record."""

    offset: int
    length: int
    torn: bool


class CaptureWriter:
    """Write a capture; use it as a context manager.

    Parameters
    ----------
    path : Path
        A file that is not there yet: a capture is never overwritten.
    header : CaptureHeader
        Its description.

    Raises
    ------
    ConfigError
        If the file is there already, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "strap.cap"
    >>> heart_rate = "00002a37-0000-1000-8000-00805f9b34fb"
    >>> with CaptureWriter(path, CaptureHeader("H10", "F0:F1", "polar", 0.0, 0.0)) as writer:
    ...     writer.write(heart_rate, bytes([0, 61]), host_time_s=12.5)
    >>> list(read_capture(path))
    [Notification(uuid='00002a37-0000-1000-8000-00805f9b34fb', data=b'\\x00=', host_time_s=12.5)]
    """

    def __init__(self, path: Path, header: CaptureHeader) -> None:
        self.path = path
        self.notifications = 0
        try:
            # Unbuffered: what was written is the system's, whatever becomes of this program.
            self._file = path.open("xb", buffering=0)
        except FileExistsError:
            raise ConfigError(
                f"{path} is there already, and a capture is not overwritten: choose another file"
            ) from None
        except OSError as error:
            raise ConfigError(f"cannot write {path}: {error.strerror}: choose another file") from error
        description = json.dumps(asdict(header)).encode()
        body = _HEADER.pack(VERSION, len(description)) + description
        self._append(MAGIC + body + _CRC.pack(zlib.crc32(body)))

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
        if (key := _uuid_bytes(uuid)) == _LINK:
            raise ValueError(f"{uuid} is no characteristic: give the one that the value came from")
        if len(data) > MAX_VALUE:
            raise ValueError(f"a value of {len(data)} bytes; Bluetooth allows {MAX_VALUE}")
        self._record(key, data, host_time_s)
        self.notifications += 1

    def write_link(self, record: LinkRecord) -> None:
        """Append what the link reported; a long detail is shortened, and a long name.

        Raises
        ------
        ConfigError
            As for :meth:`write`.
        """
        detail, device = record.detail, record.device
        while len(value := _link_value(replace(record, detail=detail, device=device))) > MAX_VALUE:
            detail, device = detail[: len(detail) // 2], device if detail else device[: len(device) // 2]
        self._record(_LINK, value, record.host_time_s)

    def _record(self, uuid: bytes, value: bytes, host_time_s: float) -> None:
        body = _RECORD.pack(len(value), host_time_s, uuid) + value
        self._append(body + _CRC.pack(zlib.crc32(body)))

    def _append(self, data: bytes) -> None:
        try:
            written = self._file.write(data)
        except OSError as error:
            raise self._full(str(error.strerror)) from error
        if written != len(data):
            raise self._full("the disk took only a part")

    def _full(self, why: str) -> ConfigError:
        return ConfigError(f"cannot write {self.path}: {why}: free some space; what was recorded is kept")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> CaptureWriter:
        """Write inside the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()


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
        with self.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
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
        with file.open("rb") as opened:
            start = opened.read(len(MAGIC) + _HEADER.size)
            rest = opened.read(min(_header_length(file, start), _MAX_HEADER) + _CRC.size)
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}: check the path") from error
    body = start[len(MAGIC) :] + rest[: -_CRC.size]
    if zlib.crc32(body) != int.from_bytes(rest[-_CRC.size :], "little"):
        raise _ends_in_header(file)
    return Capture(file, _description(file, body[_HEADER.size :]), len(start) + len(rest))


def _header_length(file: Path, start: bytes) -> int:
    if not start.startswith(MAGIC) and not MAGIC.startswith(start[: len(MAGIC)]):
        raise ConfigError(f"{file} is no capture: name a file that `ecgedge capture` has written")
    if len(start) < len(MAGIC) + _HEADER.size:
        raise _ends_in_header(file)
    version, length = _HEADER.unpack_from(start, len(MAGIC))
    if version != VERSION:
        raise ConfigError(f"{file} is a capture of version {version}: update ecgedge to read it")
    return int(length)


def _ends_in_header(file: Path) -> ConfigError:
    return ConfigError(f"{file} has no whole header, so nothing was recorded in it: record again")


def _description(file: Path, text: bytes) -> CaptureHeader:
    place = Place(f"{file}:", remedy="record again", complete=True)
    values = parse_json(text, place, _MAX_HEADER)
    # Later versions may say more about a capture; what they add does not keep this one from reading it.
    return build(CaptureHeader, {k: v for k, v in values.items() if k in CaptureHeader.__slots__}, place)


class _Parsed(NamedTuple):
    """What stands at an offset, and where the next record begins."""

    found: Record | Damaged
    stop: int


def _parse(data: mmap.mmap, at: int) -> _Parsed | None:
    """Return the record at an offset, or None if there is no whole one."""
    if at + _RECORD.size > len(data):
        return None
    length, host_time_s, uuid = _RECORD.unpack_from(data, at)
    stop = at + _RECORD.size + length
    if length > MAX_VALUE or stop + _CRC.size > len(data):
        return None
    if zlib.crc32(data[at:stop]) != _CRC.unpack_from(data, stop)[0]:
        return None
    record = _make(uuid, data[at + _RECORD.size : stop], host_time_s)
    return None if record is None else _Parsed(record, stop + _CRC.size)


def _make(uuid: bytes, value: bytes, host_time_s: float) -> Record | None:
    if uuid != _LINK:
        return Notification(_uuid_text(uuid), value, host_time_s)
    try:
        fields = json.loads(value)
        texts = [fields["state"], fields["detail"], fields["device"], fields.get("code", "")]
        retry_s = fields.get("retry_s")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if not all(isinstance(text, str) for text in texts) or not isinstance(retry_s, int | float | None):
        return None
    state, detail, device, code = texts
    return LinkRecord(state, detail, device, host_time_s, code, retry_s)


def _link_value(record: LinkRecord) -> bytes:
    fields = {name: getattr(record, name) for name in ("state", "detail", "device")}
    if record.code:
        fields["code"] = record.code
    if record.retry_s is not None:
        fields["retry_s"] = record.retry_s
    return json.dumps(fields).encode()


def _damaged(data: mmap.mmap, at: int) -> _Parsed:
    """Measure what is no record: up to the next one, or to the end."""
    after = next((place for place in range(at + 1, len(data)) if _parse(data, place)), None)
    if after is not None:
        return _Parsed(Damaged(at, after - at, torn=False), after)
    length = len(data) - at
    return _Parsed(Damaged(at, length, torn=length < _RECORD.size + MAX_VALUE + _CRC.size), len(data))


@lru_cache(maxsize=64)
def _uuid_bytes(uuid: str) -> bytes:
    return UUID(uuid).bytes


@lru_cache(maxsize=64)
def _uuid_text(uuid: bytes) -> str:
    return str(UUID(bytes=uuid))
