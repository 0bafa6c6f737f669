"""What a capture is made of: its numbers and its records; the layout is in ``file.py``."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

MAGIC = b"\x89ECGCAP\n"
VERSION = 1
# Bluetooth Core, Vol 3, Part F, 3.2.9: no attribute value is longer.
MAX_VALUE = 512

HEADER = struct.Struct("<HI")
RECORD = struct.Struct("<Hd16s")
CRC = struct.Struct("<I")
# The description of a device takes some kB. A damaged length must not make a reader take gigabytes.
MAX_HEADER = 1 << 20
# No characteristic has this UUID: it marks what the link reported, and what the wearer did.
LINK = bytes(16)
# The code of a mark. What reads captures of an earlier version takes it for a note.
MARK = "mark"


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


@dataclass(frozen=True, slots=True)
class MarkRecord:
    """A moment that the wearer or an observer marked."""

    text: str
    device: str
    host_time_s: float


@dataclass(frozen=True, slots=True)
class Said:
    """The JSON object of a link's record, or of a mark's."""

    state: str
    detail: str
    device: str
    code: str = ""
    retry_s: float | None = None


Record = Notification | LinkRecord | MarkRecord


@dataclass(frozen=True, slots=True)
class Damaged:
    """Bytes of a capture that are no record; ``torn`` if the file ends there, inside its last record."""

    offset: int
    length: int
    torn: bool
