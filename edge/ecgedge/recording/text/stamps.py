"""What time stamps in cells mean: numbers in a unit, ISO 8601, dates in other orders, times of day."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.recording.text.cells import Style, folded, number

__all__ = ["ISO", "OF_DAY", "TimeColumn", "is_stamp", "time_unit_ns"]

Int64 = npt.NDArray[np.int64]

ISO, OF_DAY, NUMBER = "iso", "of day", "number"
_NS = {
    "ns": 1, "nsec": 1, "nano": 1, "nanos": 1, "nanosecond": 1, "nanoseconds": 1, "нс": 1,
    "us": 10**3, "μs": 10**3, "usec": 10**3, "micro": 10**3, "micros": 10**3, "microsecond": 10**3,
    "microseconds": 10**3, "mikrosekunden": 10**3, "мкс": 10**3, "微秒": 10**3,
    "ms": 10**6, "msec": 10**6, "milli": 10**6, "millis": 10**6, "millisecond": 10**6, "milliseconds": 10**6,
    "millisekunden": 10**6, "millisecondes": 10**6, "milisegundos": 10**6, "мс": 10**6, "毫秒": 10**6,
    "s": 10**9, "sec": 10**9, "secs": 10**9, "second": 10**9, "seconds": 10**9, "sekunden": 10**9,
    "sek": 10**9,
    "secondes": 10**9, "segundos": 10**9, "secondi": 10**9, "сек": 10**9, "с": 10**9, "秒": 10**9,
}  # fmt: skip
_DAY_NS = 86_400 * 10**9
# Differences of two stamps have to fit into 64 bits; 2115 is late enough for a year that is wrong.
_LARGEST_NS = 4_600_000_000_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST, _LATEST = 978_307_200, 4_102_444_800  # 2001 to 2100: dates that a wearable can have measured at
_TIME = r"(\d{1,2}):(\d{2})(?::(\d{2}))?(?:[.,:](\d{1,12}))?\s*([ap]m)?"
_ZONE = r"\s*(z|utc|gmt|[+-]\d{2}:?(?:\d{2})?)?"
_DATED = re.compile(
    rf"(\d{{1,4}})([-./])(\d{{1,2}})\2(\d{{1,4}})[t ,]+{_TIME}{_ZONE}", re.IGNORECASE | re.ASCII
)
_BASIC = re.compile(
    rf"(\d{{4}})(\d{{2}})(\d{{2}})t(\d{{2}})(\d{{2}})(\d{{2}})(?:[.,](\d{{1,12}}))?{_ZONE}",
    re.IGNORECASE | re.ASCII,
)
_OF_DAY = re.compile(rf"{_TIME}", re.IGNORECASE | re.ASCII)
_REVERSED = re.compile(rf"({_TIME})\s+(\d{{1,2}}/\d{{1,2}}/\d{{4}})", re.IGNORECASE | re.ASCII)
_SHORT = re.compile(r"(\d{1,4}):(\d{2})[.,](\d{1,12})", re.ASCII)  # m:ss.mmm, as PhysioNet's rdsamp writes
_PLAIN = re.compile(r"([0-9]{1,10})(?:\.([0-9]{0,9}))?")  # below 300 years in any unit
_LONGEST = 64  # characters of a stamp


def time_unit_ns(name: str) -> Fraction | None:
    """Unit that a column's name says its times are in, in ns; None where it says none.

    Examples
    --------
    >>> [int(time_unit_ns(name)) for name in ("time_ns", "Time (s)", "stamp [ms]", "t_µs", "time [s/256]")]
    [1, 1000000000, 1000000, 1000, 3906250]
    """
    folded_name = unicodedata.normalize("NFKC", name[:128]).casefold().strip()
    part = re.search(r"[\[(]\s*s(?:ec)?\s*/\s*(\d{1,7})\s*[\])]", folded_name)
    if part and int(part[1]):
        return Fraction(10**9, int(part[1]))
    glued = re.search(r"(?<=[a-z])(ms|us|ns)$", folded_name) if "time" in folded_name else None
    words = re.findall(r"[^\W\d_]+", folded_name)
    units = [_NS[word] for word in reversed(words) if word in _NS]
    if glued and not units:
        units = [_NS[glued[1]]]
    return Fraction(units[0]) if units else None


@dataclass(slots=True)
class TimeColumn:
    """How the stamps of one column become whole nanoseconds.

    Parameters
    ----------
    kind : str
        "number", "iso" (a date and a time, in ISO 8601 or another order), or "of day".
    unit_ns : Fraction
        Of numbers.
    style : Style
        Of numbers.
    """

    kind: str
    unit_ns: Fraction = Fraction(1)
    style: Style = Style.POINT
    _days: int = 0
    _last_ns: int | None = None
    _second: tuple[str, int] = ("", 0)

    @classmethod
    def like(cls, cell: str) -> TimeColumn | None:
        """Give the column of stamps like this one; None where it is no stamp and no number."""
        cell = folded(cell[:_LONGEST]).strip("[]")
        for kind in (ISO, OF_DAY):
            try:
                cls(kind)._parse(cell)
            except (ValueError, OverflowError):
                continue
            return cls(kind)
        try:
            return cls(NUMBER) if np.isfinite(number(cell, Style.POINT)) else None
        except ValueError:
            return cls(NUMBER, style=Style.COMMA) if re.fullmatch(r"-?\d+,\d+", cell) else None

    def ns(self, cells: Sequence[str]) -> Int64:
        """Parse stamps.

        Raises
        ------
        ValueError
            One of them is none, or lies outside of what 64 bits of ns hold.
        """
        if self.kind == NUMBER and self.unit_ns.denominator == 1 and "".join(cells).isdecimal():
            unit = int(self.unit_ns)
            whole = [int(cell) * unit for cell in cells if len(cell) < _LONGEST]
            if len(whole) == len(cells) and max(whole, default=0) <= _LARGEST_NS:
                return np.array(whole, dtype=np.int64)
        if self.kind == NUMBER and self.style is not Style.POINT_THOUSANDS:
            plain = [
                _PLAIN.fullmatch(cell.replace(",", ".") if self.style is Style.COMMA else cell)
                for cell in cells
            ]
            if all(plain):
                return np.array(
                    [_decimal_ns(match, self.unit_ns) for match in plain if match], dtype=np.int64
                )
        return np.array([self.one(cell) for cell in cells], dtype=np.int64)

    def one(self, cell: str) -> int:
        """Parse one stamp; :meth:`ns` describes it."""
        if len(cell) > _LONGEST:
            raise ValueError("too long for a time")
        value = self._parse(folded(cell).strip("[]"))
        if self.kind == OF_DAY:
            # Midnight: the time of day falls back by nearly a day.
            if self._last_ns is not None and value - self._last_ns < -_DAY_NS // 2:
                self._days += 1
            self._last_ns = value
            value += self._days * _DAY_NS
        if abs(value) > _LARGEST_NS:
            raise ValueError("a time out of range")
        return value

    def start(self, cell: str) -> datetime | None:
        """Moment of a stamp, if it names one; numbers are taken for Unix times between 2001 and 2100."""
        try:
            ns = TimeColumn(self.kind, self.unit_ns, self.style).one(cell)
        except (ValueError, OverflowError):
            return None
        if self.kind == OF_DAY or not _EARLIEST <= ns // 10**9 <= _LATEST:
            return None
        moment = _EPOCH + timedelta(microseconds=ns // 1000)
        zoned = self.kind == NUMBER or re.search(
            r"(z|utc|gmt|:\d.*[+-]\d{2}:?\d*)$", cell.strip(), re.IGNORECASE
        )
        return moment if zoned else moment.replace(tzinfo=None)

    def _parse(self, cell: str) -> int:
        if self.kind == NUMBER:
            return self._number(cell)
        return self._dated(cell) if self.kind == ISO else _of_day(cell)

    def _number(self, cell: str) -> int:
        """Exact: a float64 is 256 ns coarse at today's epoch."""
        if not abs(number(cell, self.style) * float(self.unit_ns)) <= _LARGEST_NS:
            raise ValueError("no time")
        if self.style is not Style.POINT:
            cell = cell.replace(".", "") if self.style is Style.COMMA else cell.replace(",", "")
            cell = cell.replace(",", ".")
        exact = Fraction(Decimal(cell)) * self.unit_ns
        return round(exact)

    def _dated(self, cell: str) -> int:
        # Rows of one second share all but the fraction: datetime is asked once a second.
        whole, mark, fraction = cell.rpartition(".")
        if mark and whole == self._second[0] and fraction.isdecimal() and len(fraction) <= 9:
            return self._second[1] + int(fraction.ljust(9, "0"))
        value = _dated_ns(cell)
        if mark and fraction.isdecimal() and len(fraction) <= 9 and fraction.isascii():
            self._second = (whole, value - int(fraction.ljust(9, "0")))
        return value


def is_stamp(cell: str) -> bool:
    """Whether a cell holds a date with a time, or a time of day.

    Examples
    --------
    >>> [is_stamp(cell) for cell in ("2026-07-16T21:34:53.93Z", "16.07.2026 21:34:53", "0:00.004", "540")]
    [True, True, True, False]
    """
    column = TimeColumn.like(cell)
    return column is not None and column.kind != NUMBER


def _decimal_ns(match: re.Match[str], unit_ns: Fraction) -> int:
    """Whole ns of plain decimals, exact."""
    fraction = match[2] or ""
    scale: int = 10 ** len(fraction) * unit_ns.denominator
    return (2 * int(match[1] + fraction) * unit_ns.numerator + scale) // (2 * scale)


def _fraction_ns(digits: str | None) -> int:
    return int((digits or "0").ljust(9, "0")[:9])


def _dated_ns(cell: str) -> int:
    basic = _BASIC.fullmatch(cell)
    if basic:
        year, month, day, hour, minute, second = map(int, basic.groups()[:6])
        fraction, half, zone = basic[7], None, basic[8]
    else:
        turned = _REVERSED.fullmatch(cell)  # rdsamp's order: [10:00:00.000 31/01/2020]
        match = _DATED.fullmatch(f"{turned[7]} {turned[1]}" if turned else cell)
        if not match:
            raise ValueError("no date with a time")
        year, month, day = _date(match[1], match[2], match[3], match[4])
        hour, minute, second = int(match[5]), int(match[6]), int(match[7] or 0)
        fraction, half, zone = match[8], match[9], match[10]
    moment = datetime(year, month, day, _hour(hour, half), minute, min(second, 59), tzinfo=UTC)
    seconds = (moment - _EPOCH) // timedelta(seconds=1) + max(0, second - 59) - _zone_s(zone)
    return seconds * 10**9 + _fraction_ns(fraction)


class _Date(NamedTuple):
    year: int
    month: int
    day: int


def _date(first: str, mark: str, middle: str, last: str) -> _Date:
    """Year, month and day: ISO order, else the day first unless that cannot be."""
    if len(first) == 4:
        return _Date(int(first), int(middle), int(last))
    year = int(last) + (2000 if len(last) == 2 else 0)
    american = mark == "/" and int(middle) > 12
    return _Date(year, int(first), int(middle)) if american else _Date(year, int(middle), int(first))


def _hour(hour: int, half: str | None) -> int:
    if half is None:
        return hour
    return hour % 12 + (12 if half.lower() == "pm" else 0)


def _zone_s(zone: str | None) -> int:
    if zone is None or zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return (-1 if zone[0] == "-" else 1) * (int(digits[:2]) * 3600 + int(digits[2:]) * 60)


def _of_day(cell: str) -> int:
    short = _SHORT.fullmatch(cell)
    if short:
        return (int(short[1]) * 60 + int(short[2])) * 10**9 + _fraction_ns(short[3])
    match = _OF_DAY.fullmatch(cell)
    if (
        not match
        or (match[3] is None and match[4] is not None)
        or int(match[2]) > 59
        or int(match[3] or 0) > 60
    ):
        raise ValueError("no time of day")
    hour = _hour(int(match[1]), match[5])
    return ((hour * 60 + int(match[2])) * 60 + int(match[3] or 0)) * 10**9 + _fraction_ns(match[4])
