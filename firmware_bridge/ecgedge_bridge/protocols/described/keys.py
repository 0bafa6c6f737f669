"""What the keys of a TOML profile hold: UUIDs, bytes of a header, and the fields in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from ecgedge_bridge.schema import Decoder, Table, choice, converted, integer, table_of

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_BASE_UUID = "0000{}-0000-1000-8000-00805f9b34fb"
_UNIT_NS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}
# Widths that firmware uses for an unsigned number.
_FIELD_BITS = (8, 16, 24, 32, 48, 64)


def uuid(text: str) -> str:
    """Normalise a UUID, 128 bits or the 16 of the Bluetooth SIG.

    Raises
    ------
    ValueError
        If it is none.

    Examples
    --------
    >>> uuid("180D")
    '0000180d-0000-1000-8000-00805f9b34fb'
    """
    lower = text.lower()
    if re.fullmatch(r"[0-9a-f]{4}", lower):
        return _BASE_UUID.format(lower)
    if not _UUID.fullmatch(lower):
        raise ValueError("give a UUID such as 6e400003-b5a3-f393-e0a9-e50e24dcca9e, or four hex digits")
    return lower


def header_bytes(text: str) -> tuple[int | None, ...]:
    """Read the bytes of a header: two hex digits each, ``??`` for any.

    Raises
    ------
    ValueError
        If it is anything else.

    Examples
    --------
    >>> header_bytes("A5 ?? 01")
    (165, None, 1)
    """
    parts = text.split()
    if not all(re.fullmatch(r"\?\?|[0-9A-Fa-f]{2}", part) for part in parts):
        raise ValueError('give the bytes in hex, ?? for any, such as "A5 ?? ?? 01"')
    return tuple(None if part == "??" else int(part, 16) for part in parts)


class _Bits(NamedTuple):
    """First byte and width in bits of a field of the header."""

    at: int
    bits: int


def _bits(table: Table, header: int) -> _Bits:
    at = table.take("at", integer(0, max(header - 1, 0)))
    bits = table.take("bits", integer(8, 64))
    if bits not in _FIELD_BITS:
        table.place.key("bits").refuse(
            f"= {bits} is no width (use one of {', '.join(map(str, _FIELD_BITS))})"
        )
    if at + bits // 8 > header:
        table.place.key("at").refuse(
            f"= {at} with {bits} bits reaches beyond the header (write ?? for each of its bytes)"
        )
    return _Bits(at, bits)


def _order(big_endian: bool) -> Any:
    return "big" if big_endian else "little"


@dataclass(frozen=True, slots=True)
class _Field:
    """An unsigned number in the header: its first byte, and its width in bits."""

    at: int
    bits: int

    def read(self, data: bytes, big_endian: bool) -> int:
        """Read it from a notification."""
        return int.from_bytes(data[self.at : self.at + self.bits // 8], _order(big_endian))

    def write(self, data: bytearray, value: int, big_endian: bool) -> None:
        """Write it into a header; it wraps."""
        size = self.bits // 8
        data[self.at : self.at + size] = (value % (1 << self.bits)).to_bytes(size, _order(big_endian))


@dataclass(frozen=True, slots=True)
class Counter(_Field):
    """A counter in the header; ``of_notifications`` is whether it counts those, not samples."""

    of_notifications: bool

    @classmethod
    def within(cls, header: int) -> Decoder[Counter]:
        """Decoder of its table, given the length of the header."""

        def read(table: Table) -> Counter:
            counts = table.take("counts", choice("notifications", "samples"))
            return cls(*_bits(table, header), counts == "notifications")

        return table_of(read)


@dataclass(frozen=True, slots=True)
class Stamp(_Field):
    """The device's time in the header: its unit in ns, and whether it is that of the last sample."""

    unit_ns: float
    of_last: bool

    @classmethod
    def within(cls, header: int) -> Decoder[Stamp]:
        """Decoder of its table, given the length of the header."""

        def read(table: Table) -> Stamp:
            unit = _UNIT_NS[table.take("unit", choice(*_UNIT_NS))]
            of_last = table.take("of", choice("first", "last"), "last") == "last"
            return cls(*_bits(table, header), unit, of_last)

        return table_of(read)


class Command(NamedTuple):
    """What is written to the device: to which characteristic, after subscribing, and before leaving."""

    characteristic: str | None = None
    start: bytes = b""
    stop: bytes = b""

    @classmethod
    def read(cls, table: Table) -> Command:
        """Read it from its table."""
        return cls(
            table.take("characteristic", converted(uuid)),
            table.take("start", converted(bytes.fromhex), b""),
            table.take("stop", converted(bytes.fromhex), b""),
        )
