"""Rows to numbers, some at a time. Errors name the line and the column of a row, never its text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from ecgedge.recording.blocks import shown
from ecgedge.recording.text.cells import number, numbers
from ecgedge.recording.text.columns import Layout
from ecgedge.recording.text.dialect import Row, Table
from ecgedge.recording.text.stamps import TimeColumn
from ecgedge_bridge.errors import ConfigError

__all__ = ["Parsed", "Parser"]

_BEGUN = re.compile(r"[0-9.,:;/+\-eETZ \t]*")  # what numbers and times are made of
_COMMENTS = ("#", "%", "//")
# A last line that lost its end in the time stamp gives a time far off; no strap is silent that long
# before the one sample that ends a recording.
_CUT_STEP_NS = 10 * 10**9


@dataclass(frozen=True, slots=True, eq=False)
class Parsed:
    """Values as the file has them, and stamps where it has any, each of shape (n,)."""

    values: npt.NDArray[np.float64]
    time_ns: npt.NDArray[np.int64] | None
    second_ns: npt.NDArray[np.int64] | None

    def __len__(self) -> int:
        return len(self.values)


class Parser:
    """Parses the rows of one file, in order.

    Attributes
    ----------
    error : ConfigError or None
        What ended the rows before the file did.
    cut : int
        Line that lost its end, 0 for none.
    start : datetime or None
        Time of the first row, as far as one of the clocks says it.
    """

    def __init__(self, rows: Iterator[Row], table: Table, layout: Layout, file: str) -> None:
        self._rows, self._table, self._layout, self._file = rows, table, layout, file
        self._last_ns: int | None = None
        self._ended = False
        self.error: ConfigError | None = None
        self.cut = 0
        self.start: datetime | None = None
        self._started = False

    def take(self, count: int) -> Parsed:
        """Parse so many rows; fewer at the end or before what is wrong."""
        rows: list[Row] = []
        try:
            while len(rows) < count and not self._ended:
                row = next(self._rows, None)
                if row is None:
                    self._ended = True
                elif len(row.cells) == self._table.width:
                    rows.append(row)
                elif not self._may_be_left_out(row):
                    if not self._is_cut(row):
                        self.error = self._bad_width(row)
                    self._ended = True
        except ConfigError as error:
            self.error, self._ended = error, True
        return self._parsed(rows)

    def _parsed(self, rows: list[Row]) -> Parsed:
        layout = self._layout
        try:
            if rows and not rows[-1].ended:
                return self._one_by_one(rows)
            values = numbers([layout.value.of(row.cells) for row in rows], layout.style)
            parsed = Parsed(values, self._times(rows), self._second_times(rows))
        except (ValueError, OverflowError, ArithmeticError):
            return self._one_by_one(rows)
        if rows:
            self._remember(rows[0], parsed)
        return parsed

    def _remember(self, first: Row, parsed: Parsed) -> None:
        if not self._started:
            self._started = True
            self.start = self._start(first)
        if parsed.time_ns is not None:
            self._last_ns = int(parsed.time_ns[-1])

    def _start(self, first: Row) -> datetime | None:
        layout = self._layout
        for span, clock in ((layout.time, layout.clock), (layout.second, layout.second_clock)):
            start = None if span is None or clock is None else clock.start(span.of(first.cells))
            if start is not None:
                return start
        return None

    def _times(self, rows: Sequence[Row]) -> npt.NDArray[np.int64] | None:
        time, clock = self._layout.time, self._layout.clock
        if time is None or clock is None:
            return None
        return clock.ns([time.of(row.cells) for row in rows])

    def _second_times(self, rows: Sequence[Row]) -> npt.NDArray[np.int64] | None:
        """Stamps of the second clock; where one is damaged the last good one stands for it."""
        second, clock = self._layout.second, self._layout.second_clock
        if second is None or clock is None:
            return None
        cells = [second.of(row.cells) for row in rows]
        try:
            return clock.ns(cells)
        except (ValueError, OverflowError, ArithmeticError):
            return np.array(list(_forgiving(clock, cells)), dtype=np.int64)

    def _one_by_one(self, rows: Sequence[Row]) -> Parsed:
        """Find the row that cannot be parsed; those before it are good, and some rows may be left out."""
        values: list[float] = []
        times: list[int] = []
        good: list[Row] = []
        for row in rows:
            try:
                value = number(self._layout.value.of(row.cells), self._layout.style)
                time = self._time(row)
            except (ValueError, OverflowError, ArithmeticError):
                if self._may_be_left_out(row):
                    continue
                if not self._is_cut(row):
                    self.error = self._bad_cell(row)
                self._ended = True
                break
            if not row.ended and self._is_cut_here(row, value, time, times):
                self.cut, self._ended = row.number, True
                break
            good.append(row)
            values.append(value)
            times.append(time)
        stamps = None if self._layout.time is None else np.array(times, dtype=np.int64)
        parsed = Parsed(np.array(values, dtype=np.float64), stamps, self._second_times(good))
        if good:
            self._remember(good[0], parsed)
        return parsed

    def _time(self, row: Row) -> int:
        time, clock = self._layout.time, self._layout.clock
        return 0 if time is None or clock is None else clock.one(time.of(row.cells))

    # --- rows that are none ---

    def _may_be_left_out(self, row: Row) -> bool:
        """Comments, the header once more, and blank lines where stamps show that nothing is missing."""
        cells = [cell.strip() for cell in row.cells]
        if not any(cells):
            return self._layout.time is not None or not row.ended or self._only_blanks_follow()
        return cells[0].startswith(_COMMENTS) or (
            bool(self._table.names) and cells[: len(self._table.names)] == list(self._table.names)
        )

    def _only_blanks_follow(self) -> bool:
        """Whether no samples follow: between samples a blank line might stand for a missing one."""
        following = next(self._rows, None)
        while following is not None and not any(cell.strip() for cell in following.cells):
            following = next(self._rows, None)
        self._ended = following is None
        return following is None

    def _is_cut(self, row: Row) -> bool:
        """Whether this is the last line of a file, and but the start of a row: the power went."""
        if row.ended or len(row.cells) > self._table.width or not _BEGUN.fullmatch("".join(row.cells)):
            return False
        self.cut = row.number
        return True

    def _is_cut_here(self, row: Row, value: float, time: int, times: Sequence[int]) -> bool:
        """Whether a last line without an end, which can be read, lacks a part all the same."""
        before = times[-1] if times else self._last_ns
        if self._layout.time is None or before is None:
            return False
        is_last = self._layout.value.start + self._layout.value.parts == self._table.width
        return (is_last and not row.cells[-1].strip()) or not 0 <= time - before <= _CUT_STEP_NS

    # --- words ---

    def _where(self, row: Row) -> str:
        return f"{self._file}, line {row.number}"

    def _bad_width(self, row: Row) -> ConfigError:
        if not any(cell.strip() for cell in row.cells):
            return ConfigError(
                f"{self._where(row)}: blank line between samples: "
                "remove it, or write nan for a missing sample"
            )
        return ConfigError(
            f"{self._where(row)}: {len(row.cells)} of {self._table.width} columns: repair or remove that line"
        )

    def _bad_cell(self, row: Row) -> ConfigError:
        if not any(cell.strip() for cell in row.cells):
            return self._bad_width(row)
        try:
            self._time(row)
        except (ValueError, OverflowError, ArithmeticError):
            return ConfigError(
                f"{self._where(row)}: no time in {self._column('time')}: repair or remove that line"
            )
        return ConfigError(
            f"{self._where(row)}: no number in {self._column('value')}: repair that line, or write nan"
        )

    def _column(self, which: str) -> str:
        span = self._layout.time if which == "time" else self._layout.value
        index = self._table.spans.index(span) if span in self._table.spans else 0
        return f"column {shown(self._table.names[index])}" if self._table.names else f"column {index}"


def _forgiving(clock: TimeColumn, cells: Sequence[str]) -> Iterator[int]:
    last = 0
    for cell in cells:
        with suppress(ValueError, OverflowError, ArithmeticError):
            last = clock.one(cell)
        yield last
