"""How a text is laid out: separator, quotes, what stands before the rows of numbers."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import NamedTuple

from ecgedge.recording.text.cells import MISSING, is_number
from ecgedge.recording.text.lines import Line
from ecgedge.recording.text.stamps import is_stamp, time_unit_ns
from ecgedge.recording.text.words import is_time_name
from ecgedge.recording.units import parse_unit
from ecgedge_bridge.errors import ConfigError

__all__ = ["Row", "Span", "Table", "find_table", "rows_of"]

_SEPARATORS = (
    "\t",
    ";",
    "|",
    ",",
    " ",
)  # in the order of trust: a comma may stand in numbers, a space in names
_COMMENT = re.compile(r"\s*(#|%|//)+\s?")
_MOST_COLUMNS = 1024
_STEADY = 0.6  # of the rows that follow have to look like the first; one of four may be damaged
_AHEAD = 5  # rows that have to look like numbers before the first is believed
_WORDS, _NUMBER, _STAMP, _NOTHING = range(4)


class Row(NamedTuple):
    """A row: the number of its line, its cells, and whether its line has an end."""

    number: int
    cells: list[str]
    ended: bool


class Span(NamedTuple):
    """Cells of a row that make one column: more than one where a decimal comma is also the separator."""

    start: int
    parts: int = 1

    def of(self, cells: Sequence[str]) -> str:
        """Give the cell of a row."""
        return cells[self.start] if self.parts == 1 else ",".join(cells[self.start : self.start + self.parts])


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of numbers in a text.

    ``width`` counts the cells of a row, ``spans`` the columns. ``names`` and ``units`` have a text for each
    column; both are empty where the text has none. ``first`` is the index of the first row's line.
    """

    separator: str
    quote: str
    width: int
    spans: tuple[Span, ...]
    names: tuple[str, ...]
    units: tuple[str, ...]
    header_line: int
    first: int

    def column(self, rows: Iterable[Row], index: int) -> list[str]:
        """Cells of one column."""
        span = self.spans[index]
        return [span.of(row.cells) for row in rows if len(row.cells) >= span.start + span.parts]


def rows_of(lines: Iterable[Line], separator: str, quote: str, name: str) -> Iterator[Row]:
    """Split lines into rows.

    Raises
    ------
    ConfigError
        A quote does not end.
    """
    if separator == " ":
        yield from (Row(line.number, line.text.split(), line.ended) for line in lines)
        return
    last = Line(0, "", True)

    def texts() -> Iterator[str]:
        nonlocal last
        for line in lines:
            last = line
            yield line.text

    try:
        for cells in csv.reader(texts(), delimiter=separator, quotechar=quote, skipinitialspace=True):
            yield Row(last.number, cells, last.ended)
    except csv.Error as error:
        raise ConfigError(
            f"{name}, line {last.number}: {error}: repair the quotes or the long cell of that line"
        ) from error


def find_table(lines: Sequence[Line], name: str) -> Table | None:
    """Find the rows of numbers in the first lines of a text; None where there are none.

    Raises
    ------
    ConfigError
        There are, and nobody can tell where one column ends.
    """
    quote = "'" if sum(line.text.lstrip().startswith("'") for line in lines) else '"'
    tables = [_Attempt(lines, separator, quote) for separator in _SEPARATORS]
    found = [attempt for attempt in tables if attempt.first is not None]
    if not found:
        return None
    return max(found, key=lambda attempt: attempt.merit).table(name)


class _Attempt:
    """The first lines, split by one separator."""

    def __init__(self, lines: Sequence[Line], separator: str, quote: str) -> None:
        self.separator, self.quote = separator, quote
        self._lines = lines
        self._rows = [self._split(line) for line in lines]
        self._kinds = [[_kind(cell) for cell in row[:_MOST_COLUMNS]] for row in self._rows]
        widths = Counter(
            len(row) for row, kinds in zip(self._rows, self._kinds, strict=True) if _NUMBER in kinds
        )
        self.width = max(widths, key=lambda width: (widths[width], width), default=0)
        self._steady, self._clean = 0.0, False
        self.first = self._first_row() if 0 < self.width <= _MOST_COLUMNS else None
        self.names: list[str] = []
        self.units: list[str] = []
        self.header_line = lines[0].number if lines else 1
        if self.first is not None:
            self._find_names(self.first)

    def _split(self, line: Line) -> list[str]:
        text = _COMMENT.sub("", line.text, count=1) if _COMMENT.match(line.text) else line.text
        if not text.strip():
            return []
        if self.separator == " ":
            return text.split()
        # One line at a time: a quote that does not end must not swallow the rows behind it.
        try:
            row = next(
                csv.reader([text], delimiter=self.separator, quotechar=self.quote, skipinitialspace=True)
            )
        except (csv.Error, StopIteration):
            return []
        return [cell.strip() for cell in row]

    def _first_row(self) -> int | None:
        """First row from which on the columns hold what they hold everywhere."""
        comments = [_COMMENT.match(line.text) is not None for line in self._lines]
        like = [i for i, kinds in enumerate(self._kinds) if len(kinds) == self.width and not comments[i]]
        wanted = [_usual(self._kinds[i][column] for i in like) for column in range(self.width)]
        self._clean = _WORDS not in wanted
        if _NUMBER not in wanted:
            return None
        rows = [i for i, row in enumerate(self._rows) if row and not comments[i]]
        good = {i for i in like if _fits(self._kinds[i], wanted)}
        for at, i in enumerate(rows):
            ahead = rows[at : at + 1 + _AHEAD]
            if i in good and sum(j in good for j in ahead) >= _STEADY * len(ahead):
                self._steady = sum(j in good for j in rows[at:]) / len(rows[at:])
                return i
        return None

    @property
    def merit(self) -> tuple[bool, bool, bool, bool, bool, int, float]:
        """How well the separator explains the lines.

        Names that fit several columns count most, then columns without words. Spaces stand in names and dates
        too: they separate only where nothing else does as well.
        """
        fits = len(self.names) == self.width
        other = self.separator != " "
        return (
            fits and other and self.width > 1,
            fits,
            self._clean,
            self._steady >= _STEADY,
            other,
            self.width,
            self._steady,
        )

    def _first_increases(self) -> bool:
        """Whether two whole numbers with a comma between are a time and a value, not one with a fraction."""
        rows = self._data()
        if len(rows) < _AHEAD or not all(re.fullmatch(r"\d{1,18}", row[0]) for row in rows):
            return False
        first = [int(row[0]) for row in rows]
        return first[-1] > first[0] and all(a <= b for a, b in pairwise(first))

    def _find_names(self, first: int) -> None:
        """Names in the line above the rows, or in the second above with units between."""
        if first == 0 or not self._rows[first - 1]:
            return
        above = self._header(first - 1)
        if first >= 2 and len(above) == self.width and all(_is_unit(cell) for cell in above):
            higher = self._header(first - 2)
            if len(higher) == self.width and not all(map(is_number, higher)):
                self.names, self.units, self.header_line = higher, above, self._lines[first - 2].number
                return
        if self._are_names(above):
            self.names, self.header_line = above, self._lines[first - 1].number

    def _header(self, index: int) -> list[str]:
        row = self._rows[index]
        if len(row) == self.width - 1 and not any(data[-1] for data in self._data()):
            return [*row, ""]  # rows end with a separator, names do not
        if len(row) == self.width + 1 and not row[-1]:
            return row[:-1]
        if self.separator != " " or len(row) == self.width:
            return row
        text = _COMMENT.sub("", self._lines[index].text, count=1).strip()
        joined = re.findall(r"[^\s\[(]+(?:\s*[\[(][^\])]{0,64}[\])])?", text[:4096])
        return joined if len(joined) == self.width else re.split(r"\s{2,}|\t", text)

    def _are_names(self, cells: list[str]) -> bool:
        """A row of names; numbers among them are names only beside a name of a time."""
        if not cells or len(cells) > self.width or all(map(is_number, cells)):
            return False
        if len(cells) < self.width and self.separator != ",":
            return False
        return any(map(is_time_name, cells)) or not any(map(is_number, cells))

    def table(self, name: str) -> Table:
        """Give the table.

        Raises
        ------
        ConfigError
            Rows have more cells than there are names, and nobody can tell which belong together.
        """
        assert self.first is not None
        spans = tuple(Span(i) for i in range(self.width))
        if self.names and len(self.names) < self.width:
            spans = self._joined(name)
        elif not self.names and self._is_one_decimal_column():
            spans = (Span(0, 2),)
        return Table(
            self.separator, self.quote, self.width, spans, tuple(self.names), tuple(self.units),
            self.header_line, self.first,
        )  # fmt: skip

    def _data(self) -> list[list[str]]:
        assert self.first is not None
        return [row for row in self._rows[self.first :] if len(row) == self.width]

    def _is_one_decimal_column(self) -> bool:
        """Two columns of whole numbers without names of which the second is a fraction: -0,25."""
        rows = self._data()
        if self.separator != "," or self.width != 2 or self._first_increases():
            return False
        if not all(re.fullmatch(r"[+-]?\d+", row[0]) for row in rows) or not all(
            re.fullmatch(r"\d+", row[1]) for row in rows
        ):
            return False
        return any(row[0] in ("-0", "+0") or (len(row[1]) > 1 and row[1][0] == "0") for row in rows)

    def _joined(self, name: str) -> tuple[Span, ...]:
        """Columns whose decimal commas are also the separators."""
        rows = self._data()
        extra = self.width - len(self.names)
        fitting = []
        if extra <= len(self.names) <= 16:
            for with_comma in combinations(range(len(self.names)), extra):
                spans = _spans(len(self.names), with_comma)
                if all(_whole_time(self.names[i]) for i in with_comma):
                    continue
                if not any(_whole_time(self.names[i]) for i in with_comma) and _all_decimal(rows, spans):
                    fitting.append(spans)
        if len(fitting) != 1:
            raise ConfigError(
                f"{name}, line {self._lines[self.first or 0].number}: {self.width} cells under "
                f"{len(self.names)} names, and commas in numbers cannot be told from separators: "
                "save it with ; between the columns, or with decimal points"
            )
        return fitting[0]


def _spans(columns: int, with_comma: Sequence[int]) -> tuple[Span, ...]:
    spans, at = [], 0
    for column in range(columns):
        parts = 2 if column in with_comma else 1
        spans.append(Span(at, parts))
        at += parts
    return tuple(spans)


def _whole_time(name: str) -> bool:
    """Whether a column counts ns or us, which nobody writes with a fraction."""
    unit = time_unit_ns(name) if is_time_name(name) else None
    return unit is not None and unit <= 1000


def _all_decimal(rows: Sequence[Sequence[str]], spans: Sequence[Span]) -> bool:
    pairs = [span for span in spans if span.parts == 2]
    return all(
        re.fullmatch(r"[+-]?\d+", row[span.start]) and re.fullmatch(r"\d+", row[span.start + 1])
        for row in rows
        for span in pairs
    )


def _usual(kinds: Iterable[int]) -> int:
    """What most cells of a column are; numbers and times win over as many words, which may be names."""
    counts = Counter(kind for kind in kinds if kind != _NOTHING)
    return max(counts, key=lambda kind: (counts[kind], kind != _WORDS), default=_NOTHING)


def _fits(kinds: Sequence[int], wanted: Sequence[int]) -> bool:
    """Whether a row has numbers and times where others have them; what is missing and words fit anywhere."""
    return _NUMBER in kinds and all(
        kind in (want, _NOTHING) or want == _WORDS for kind, want in zip(kinds, wanted, strict=True)
    )


def _is_unit(cell: str) -> bool:
    """Whether a cell of a second header row names a unit: mV, seconds, hh:mm:ss.mmm."""
    plain = cell.strip("()[]' ")
    return not plain or parse_unit(plain) is not None or time_unit_ns(plain) is not None or (
        re.fullmatch(r"(hh?:)?mm?:ss([.,]m+)?", plain, re.IGNORECASE) is not None
    )  # fmt: skip


def _kind(cell: str) -> int:
    if len(cell) > 64:
        return _WORDS
    if is_number(cell):
        return _NUMBER
    if cell.lower() in MISSING:
        return _NOTHING
    return _STAMP if is_stamp(cell) else _WORDS
