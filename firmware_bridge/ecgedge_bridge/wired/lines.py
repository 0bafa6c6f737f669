"""Numbers in lines, as home-made boards print them; without any I/O.

One number a line, or several with a separator. What else such sketches print: names with a colon before a
number (the Arduino IDE's plotter), a header line, comments behind ``#`` or ``//``, and ``!`` while an
electrode of an AD8232 is off, which is a missing sample. The fraction stands behind a point.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["LONGEST", "Line", "LineSplitter", "read_line"]

# 32 columns of 30 characters; a board that prints more in a line prints no ECG.
LONGEST = 1000
_MOST_COLUMNS = 32
_MISSING = frozenset(("nan", "na", "n/a", "null", "none", "!", "?", "-", "--", "inf", "-inf", "+inf"))
_COMMENT = ("#", "//", "%", ";")
_NUMBER = re.compile(r"[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})([eE][+-]?\d{1,2})?", re.ASCII)
_NAMED = re.compile(r"[A-Za-z_][\w ()/.-]{0,40}[:=]\s*")
_NAN = float("nan")


class Line(NamedTuple):
    """A line: its numbers, NaN where one is missing; or the names of a header; or neither."""

    numbers: tuple[float, ...] = ()
    names: tuple[str, ...] = ()
    is_bad: bool = False


_BAD, _NOTHING = Line(is_bad=True), Line()


class LineSplitter:
    """Cuts a stream of bytes into lines, however it comes in pieces; of a line too long nothing is kept.

    Examples
    --------
    >>> lines = LineSplitter()
    >>> list(lines.split(b"51")), list(lines.split(b"2\\r\\n513")), lines.rest()
    ([], [b'512'], b'513')
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._over = False

    def split(self, data: bytes) -> Iterator[bytes]:
        """Take the next bytes, yield the lines that have ended; one that was too long is a lone NUL."""
        *whole, rest = data.replace(b"\r", b"\n").split(b"\n")
        for part in whole:
            self._keep(part)
            yield from self._ended()
        self._keep(rest)

    def rest(self) -> bytes:
        """Return what has come of a line without an end, and forget it."""
        rest = bytes(self._rest)
        self._rest.clear()
        self._over = False
        return rest

    def _keep(self, part: bytes) -> None:
        self._over = self._over or len(self._rest) + len(part) > LONGEST
        if self._over:
            self._rest.clear()
        else:
            self._rest += part

    def _ended(self) -> Iterator[bytes]:
        if self._over:
            yield b"\0"
        elif self._rest:
            yield bytes(self._rest)
        self._rest.clear()
        self._over = False


def read_line(data: bytes) -> Line:
    r"""Return what a line says.

    Examples
    --------
    >>> read_line(b"512").numbers, read_line(b"ecg:512, lead:1").numbers, read_line(b"!").numbers
    ((512.0,), (512.0, 1.0), (nan,))
    >>> read_line(b"t, ecg").names, read_line(b"# hello"), read_line(b"5\xff2").is_bad
    (('t', 'ecg'), Line(numbers=(), names=(), is_bad=False), True)
    """
    try:
        number = float(data)  # nearly every line is one plain number
    except ValueError:
        return _read_words(data)
    return Line((number,)) if _NUMBER.fullmatch(data.decode("ascii").strip()) else _read_words(data)


def _read_words(data: bytes) -> Line:
    try:
        text = data.decode().strip("\ufeff \t")
    except UnicodeDecodeError:
        return _BAD
    if not text or text.startswith(_COMMENT):
        return _NOTHING
    cells = re.split(r"\s*[,;\t]\s*|\s+", _NAMED.sub("", text).strip(" ,;\t"))
    if len(cells) > _MOST_COLUMNS or (not text.isprintable() and "\t" not in text):
        return _BAD
    numbers = [_number(cell) for cell in cells]
    known = [one for one in numbers if one is not None]
    if len(known) == len(cells):
        # A sketch of an AD8232 prints "!" alone, also where it prints more else.
        return Line(tuple(known))
    is_header = not known and all(cell[:1].isalpha() for cell in cells)
    return Line(names=tuple(re.split(r"\s*[,;\t]\s*", text))) if is_header else _BAD


def _number(cell: str) -> float | None:
    if cell.lower() in _MISSING:
        return _NAN
    return float(cell) if _NUMBER.fullmatch(cell) else None
