"""The keys of a TOML profile, each checked as it is taken; errors name the key and say what to write."""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from ecgedge_bridge.errors import ConfigError

_T = TypeVar("_T")
_MISSING: Any = object()
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_BASE_UUID = "0000{}-0000-1000-8000-00805f9b34fb"
_UNIT_NS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}
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


class Table:
    """One table of a TOML file; every key that is taken is known, and what is left over is refused.

    Parameters
    ----------
    values : dict
        As ``tomllib`` gives it.
    source : str
        File that it comes from, for messages.
    path : str
        Key of the table itself, with a dot at its end; empty for the whole file.
    """

    def __init__(self, values: dict[str, Any], source: str, path: str = "") -> None:
        self._values = values
        self._source = source
        self._path = path
        self._known: list[str] = []
        self._inner: list[Table] = []

    @classmethod
    def parse(cls, text: str, source: str) -> Table:
        """Read TOML.

        Raises
        ------
        ConfigError
            If it is none.
        """
        try:
            return cls(tomllib.loads(text), source)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{source} is no TOML: {error}; correct that line") from error

    @staticmethod
    def read(path: Path, built_in: tuple[str, ...]) -> str:
        """Read a file's text.

        Raises
        ------
        ConfigError
            If it cannot be read as text.
        """
        try:
            return path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"cannot read the profile {path} ({error}); give a TOML file, or one of {', '.join(built_in)}"
            ) from error

    def refuse(self, key: str, why: str) -> NoReturn:
        """Raise a ConfigError about a key."""
        raise ConfigError(f"{self._source}: {self._path}{key} {why}")

    def _take(self, key: str, default: Any = _MISSING) -> Any:
        self._known.append(key)
        if key not in self._values:
            if default is _MISSING:
                self.refuse(key, "is missing; add it (PROTOCOL.md lists every key)")
            return default
        return self._values[key]

    def string(self, key: str) -> str:
        """Take a text."""
        value = self._take(key)
        if not isinstance(value, str) or not value:
            self.refuse(key, f"= {value!r} is no text; write it in quotes")
        return value

    def strings(self, key: str) -> tuple[str, ...]:
        """Take a list of texts; none if it is missing."""
        value = self._take(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            self.refuse(key, f'= {value!r} is no list of texts; write it as ["..."]')
        return tuple(value)

    def convert(self, key: str, how: Callable[[str], _T], default: _T = _MISSING) -> _T:
        """Take a text and convert it; ``how`` raises ValueError with what to write instead."""
        if key not in self._values:
            value: _T = self._take(key, default)
            return value
        text = self._take(key)
        if not isinstance(text, str):
            self.refuse(key, f"= {text!r} is no text; write it in quotes")
        try:
            return how(text)
        except ValueError as error:
            self.refuse(key, f"= {text!r} cannot be read: {error}; correct it")

    def choice(self, key: str, choices: tuple[str, ...], default: str = _MISSING) -> str:
        """Take one of some texts."""
        value = self._take(key, default)
        if value not in choices:
            self.refuse(key, f"= {value!r} is unknown; use one of {', '.join(choices)}")
        return str(value)

    def number(
        self, key: str, default: float = _MISSING, *, above: float, below: float, zero: bool = True
    ) -> float:
        """Take a number within limits that are themselves excluded."""
        value = self._take(key, default)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not above < value < below or not (zero or value):
            but = "" if zero else ", not 0"
            self.refuse(key, f"= {value!r} is no number between {above:g} and {below:g}{but}; correct it")
        return float(value)

    def optional_number(self, key: str) -> float | None:
        """Take a finite number, if it is there."""
        if self._take(key, None) is None:
            return None
        return self.number(key, above=-math.inf, below=math.inf)

    def integer(self, key: str, default: int, low: int, high: int) -> int:
        """Take a whole number from low to high."""
        value = self._take(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            self.refuse(key, f"= {value!r} is no whole number from {low} to {high}; correct it")
        return value

    def optional_integer(self, key: str, low: int, high: int) -> int | None:
        """Take a whole number, if it is there."""
        return None if self._take(key, None) is None else self.integer(key, 0, low, high)

    def table(self, key: str) -> Table | None:
        """Take a table within this one, if it is there."""
        value = self._take(key, None)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.refuse(key, f"= {value!r} is no table; write it as {key} = {{ ... }}")
        inner = Table(value, self._source, f"{self._path}{key}.")
        self._inner.append(inner)
        return inner

    def finish(self) -> None:
        """Refuse keys that nobody took, here and in the tables within.

        Raises
        ------
        ConfigError
            Naming the key, and the one that was probably meant.
        """
        for key in self._values:
            if key not in self._known:
                near = difflib.get_close_matches(key, self._known, 1)
                meant = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(self._known))}"
                self.refuse(key, f"is no key of a profile; {meant}")
        for inner in self._inner:
            inner.finish()


def _place(table: Table, header: int) -> tuple[int, int]:
    """First byte and width in bits of a field of the header."""
    at = table.integer("at", -1, 0, max(header - 1, 0))
    bits = table.integer("bits", 0, 8, 64)
    if bits not in _FIELD_BITS:
        table.refuse("bits", f"= {bits} is no width; use one of {', '.join(map(str, _FIELD_BITS))}")
    if at + bits // 8 > header:
        table.refuse(
            "at", f"= {at} with {bits} bits reaches beyond the header; write ?? for each of its bytes"
        )
    return at, bits


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
    def from_table(cls, table: Table | None, header: int) -> Counter | None:
        """Read it from its table, given the length of the header."""
        if table is None:
            return None
        counts = table.choice("counts", ("notifications", "samples"))
        return cls(*_place(table, header), counts == "notifications")


@dataclass(frozen=True, slots=True)
class Stamp(_Field):
    """The device's time in the header: its unit in ns, and whether it is that of the last sample."""

    unit_ns: float
    of_last: bool

    @classmethod
    def from_table(cls, table: Table | None, header: int) -> Stamp | None:
        """Read it from its table, given the length of the header."""
        if table is None:
            return None
        unit = _UNIT_NS[table.choice("unit", tuple(_UNIT_NS))]
        return cls(*_place(table, header), unit, table.choice("of", ("first", "last"), "last") == "last")
