"""What numbers in cells mean: decimal commas, thousands separators, foreign digits, missing values."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from enum import Enum

import numpy as np
import numpy.typing as npt

__all__ = ["MISSING", "AmbiguousNumbersError", "Style", "find_style", "is_number", "number", "numbers"]

# What loggers write for a sample that they do not have; AD8232 sketches print ! while an electrode is off.
MISSING = frozenset(
    ("", "nan", "na", "n/a", "#n/a", "null", "none", "-", "--", "?", "!", "missing", "inf", "-inf", "+inf")
)
# A whole chunk of cells of nothing else takes float() without a look at each cell.
_FAST = frozenset("0123456789+-.eE\n")
# What spreadsheets and phones put into numbers: minus signs, the Arabic marks, spaces that do not
# break a line. Digits of other scripts follow from their Unicode value.
_FOLD = str.maketrans({
    "−": "-", "–": "-", "‐": "-", "﹣": "-", "٫": ".", "٬": "", "’": "'", "\u00a0": " ", "\u202f": " ",
    "\u2009": " ", "\u2007": " ",
})  # fmt: skip
_POINT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,4})?", re.IGNORECASE)
_GROUPED = re.compile(r"[+-]?\d{1,3}(?P<mark>[,. '])\d{3}((?P=mark)\d{3})*([.,]\d+)?")
_COMMA = re.compile(r"[+-]?(\d+,\d*|,\d+)(e[+-]?\d{1,4})?", re.IGNORECASE)
# int() and Decimal() of thousands of digits take long, and a float has 17.
_LONGEST = 400  # characters of a number


class AmbiguousNumbersError(ValueError):
    """Numbers that can be read in two ways; the message says which."""


class Style(Enum):
    """What separates the fraction, and what separates thousands."""

    POINT = ".", ""
    COMMA = ",", "."
    POINT_THOUSANDS = ".", ","

    @property
    def decimal(self) -> str:
        """Mark before the fraction."""
        return str(self.value[0])

    @property
    def thousands(self) -> str:
        """Mark between thousands, "" for none."""
        return str(self.value[1])


def folded(cell: str) -> str:
    """Give a cell in ASCII digits and signs."""
    cell = cell.strip(" \t\r\n\f\v\ufeff'\"")
    if cell.isascii():
        return cell
    cell = cell.translate(_FOLD)
    digits = (str(d) if (d := unicodedata.decimal(c, None)) is not None else c for c in cell)
    return unicodedata.normalize("NFKC", "".join(digits)).strip()


def is_number(cell: str) -> bool:
    """Whether a cell holds a number in any style; a missing value is none.

    Examples
    --------
    >>> [is_number(cell) for cell in ("1.5", "-0,25", "1 234,5", "٠٫٥", "ecg", "12:00", "1_000")]
    [True, True, True, True, False, False, False]
    """
    cell = folded(cell) if len(cell) <= _LONGEST else ""
    return any(form.fullmatch(cell) for form in (_POINT, _COMMA, _GROUPED))


def find_style(cells: Iterable[str]) -> Style:
    """Find the style of numbers from many of them.

    A comma before a number of digits other than three, or behind a zero, is a decimal comma. Two commas in a
    number, or a comma before a point, separate thousands. Three digits behind a single comma may be either:
    when all commas are like that nobody can tell.

    Raises
    ------
    AmbiguousNumbersError
        Both readings are possible, or the cells contradict each other.

    Examples
    --------
    >>> find_style(["0,1234", "-1,5"]), find_style(["1,234.5", "7"]), find_style(["0.5", "-1"])
    (<Style.COMMA: (',', '.')>, <Style.POINT_THOUSANDS: ('.', ',')>, <Style.POINT: ('.', '')>)
    """
    decimal = thousands = commas = points = False
    for cell in map(folded, cells):
        if "," not in cell:
            points |= "." in cell
            continue
        commas = True
        head, _, tail = cell.rpartition(",")
        whole = head.lstrip("+-")
        if "," in head or "." in tail:
            thousands = True
        elif whole in ("", "0") or whole.startswith("0") or len(tail) != 3 or "." in head or len(whole) > 3:
            decimal = True
    if not commas:
        return Style.POINT
    if decimal and (thousands or (points and not _grouped_points(cells))):
        raise AmbiguousNumbersError("decimal commas and decimal points in one column")
    if decimal:
        return Style.COMMA
    if thousands or points:
        return Style.POINT_THOUSANDS
    raise AmbiguousNumbersError(
        "a comma before three digits may stand before a fraction or between thousands"
    )


def _grouped_points(cells: Iterable[str]) -> bool:
    """Whether all points without a comma behind separate thousands: 1.234 beside 1.234,5."""
    return isinstance(cells, Sequence) and all(
        re.fullmatch(r"[+-]?\d{1,3}(\.\d{3})+", cell)
        for cell in map(folded, cells)
        if "." in cell and "," not in cell
    )  # fmt: skip


def number(cell: str, style: Style) -> float:
    """Give the number in a cell, NaN for a missing value.

    Raises
    ------
    ValueError
        There is no number, it is in another style, or it is larger than any number.

    Examples
    --------
    >>> number("-0,25", Style.COMMA), number("1,234.5", Style.POINT_THOUSANDS), number("n/a", Style.POINT)
    (-0.25, 1234.5, nan)
    """
    if len(cell) > _LONGEST:
        raise ValueError("a number of hundreds of digits")
    cell = folded(cell)
    if cell.lower() in MISSING:
        return float("nan")
    if _GROUPED.fullmatch(cell):
        mark = cell.lstrip("+-").lstrip("0123456789")[:1]
        if mark in (style.thousands, " ", "'"):
            cell = cell.replace(mark, "")
    if style.decimal == ",":
        if "." in cell:
            raise ValueError("a decimal point beside decimal commas")
        cell = cell.replace(",", ".")
    if not _POINT.fullmatch(cell):
        raise ValueError("no number")
    value = float(cell)
    if value in (float("inf"), float("-inf")):
        raise ValueError("larger than any number")
    return value


def numbers(cells: Sequence[str], style: Style) -> npt.NDArray[np.float64]:
    """Give the numbers in many cells; :func:`number` describes them. Plain ones take the short way."""
    joined = "\n".join(cells)
    if style is Style.COMMA and "." not in joined:
        joined = joined.replace(",", ".")
    if style is not Style.POINT_THOUSANDS and _FAST.issuperset(joined):
        try:
            values = np.array([float(cell) for cell in joined.split("\n")], dtype=np.float64)
        except ValueError:
            pass
        else:
            if len(values) == len(cells) and np.all(np.isfinite(values)):
                return values
    return np.array([number(cell, style) for cell in cells], dtype=np.float64)
