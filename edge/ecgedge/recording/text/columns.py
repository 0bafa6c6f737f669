"""Which column is the ECG, and which one the time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ecgedge.recording.blocks import Wanted, shown
from ecgedge.recording.leads import Signal, best_ecg, is_ecg_name, is_other_name
from ecgedge.recording.rates import MAX_FS, MIN_FS
from ecgedge.recording.text.cells import AmbiguousNumbersError, Style, find_style, number
from ecgedge.recording.text.dialect import Row, Span, Table
from ecgedge.recording.text.stamps import ISO, OF_DAY, TimeColumn, time_unit_ns
from ecgedge.recording.text.words import is_arrival_name, is_generic_name, is_time_name
from ecgedge.recording.units import name_and_unit, parse_unit
from ecgedge_bridge.errors import ConfigError

__all__ = ["Layout", "find_layout"]

_ADVICE = "name one 'ecg_uV' or 'ecg_mV', or choose it with channel (--channel)"
# Unix times in s, ms, us and ns cannot be mixed up: they lie a thousandfold apart, and 1973 to 5138 is wide.
_EPOCHS = ((1e17, 1), (1e14, 10**3), (1e11, 10**6), (1e8, 10**9))
_COUNTS_UP = 0.9  # of the steps of a counter that wraps around, or misses lost samples
_LEAST_ROWS = 8  # twice as many rows show that a column without a name counts time
_UNITS_NS = (1, 10**3, 10**6, 10**9)
_SPLIT_FRACTION = re.compile(r"[+-]?0[0-9]+")  # nobody writes whole numbers like that
_DEVICE_WORDS = ("sensor", "device", "ecg")


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns that are read; ``unit`` is None where the file names none."""

    value: Span
    channel: str
    unit: str | None
    style: Style
    time: Span | None = None
    clock: TimeColumn | None = None
    second: Span | None = None
    second_clock: TimeColumn | None = None


@dataclass(frozen=True, slots=True)
class _Time:
    index: int
    clock: TimeColumn


def find_layout(table: Table, rows: Sequence[Row], wanted: Wanted, file: str) -> Layout:
    """Choose the columns by their names, units and cells.

    Raises
    ------
    ConfigError
        There is no ECG, several are possible, or the numbers can be read in two ways.
    """
    times = _times(table, rows, wanted.fs)
    value = _value(table, rows, {time.index for time in times}, wanted, file)
    times = [time for time in times if time.index != value]
    first = times[0] if times else None
    second = next((time for time in times[1:] if is_arrival_name(_name(table, time.index))), None)
    name, unit = name_and_unit(_name(table, value))
    if table.units:
        unit = parse_unit(table.units[value]) or unit  # a row of units is more explicit than a name
    return Layout(
        table.spans[value],
        name,
        unit,
        _style(table, rows, value, first, file),
        None if first is None else table.spans[first.index],
        None if first is None else first.clock,
        None if second is None else table.spans[second.index],
        None if second is None else second.clock,
    )


def _name(table: Table, index: int) -> str:
    return table.names[index] if table.names else ""


def _style(table: Table, rows: Sequence[Row], value: int, time: _Time | None, file: str) -> Style:
    """Style of the numbers: what shows in one column holds for the other."""
    cells = table.column(rows, value)
    if table.separator == "," and any(_SPLIT_FRACTION.fullmatch(cell.strip()) for cell in cells):
        raise ConfigError(
            f"{file}: the values begin with zeros, as digits behind a decimal comma do: "
            "save it with ; between the columns, or with decimal points"
        )
    if time is not None and time.clock.kind not in (ISO, OF_DAY):
        cells = [*cells, *table.column(rows, time.index)]
    try:
        style = find_style(cells)
    except AmbiguousNumbersError as error:
        raise ConfigError(
            f"{file}: {error}: save the numbers with a decimal point and nothing between thousands"
        ) from error
    if time is not None:
        time.clock.style = style
    return style


# --- time ---


def _times(table: Table, rows: Sequence[Row], fs: float | None) -> list[_Time]:
    """Columns of times, the best first."""
    found = [_time(table, rows, index, fs) for index in range(len(table.spans))]
    times = [time for time in found if time is not None]
    return sorted(times, key=lambda time: _rank(table, time), reverse=True)


def _time(table: Table, rows: Sequence[Row], index: int, fs: float | None) -> _Time | None:
    name = _name(table, index)
    cells = [cell for cell in table.column(rows, index) if cell.strip()]
    clock = TimeColumn.like(cells[0]) if cells else None
    if clock is None or len(table.spans) == 1:
        return None
    if clock.kind in (ISO, OF_DAY):
        return _Time(index, clock)
    if table.names and not is_time_name(name):
        return None
    unit = time_unit_ns(name)
    if unit is None and table.units:
        unit = time_unit_ns(table.units[index])
    if unit is None:
        unit = _unit_by_values(cells, fs, named=bool(table.names))
    if unit is None:
        return None
    clock.unit_ns = unit
    return _Time(index, clock)


def _rank(table: Table, time: _Time) -> tuple[bool, bool, bool, float]:
    """The device's clock before the phone's, numbers before texts, fine units before coarse ones."""
    name = _name(table, time.index).casefold()
    is_number = time.clock.kind not in (ISO, OF_DAY)
    return (
        not is_arrival_name(name),
        any(word in name for word in _DEVICE_WORDS),
        is_number or time.clock.kind == ISO,
        -float(time.clock.unit_ns) if is_number else -1e10,
    )


def _unit_by_values(cells: Sequence[str], fs: float | None, *, named: bool) -> Fraction | None:
    """Unit in which the times make a rate that an ECG has; at most one does."""
    try:
        style = find_style(cells)
        values = np.array([number(cell, style) for cell in cells])
    except ValueError:
        return None
    half = len(values) // 2
    if half < (1 if named else _LEAST_ROWS) or not np.all(np.isfinite(values)):
        return None
    step = float(np.median(values[half:] - values[: len(values) - half])) / half
    if step <= 0 or (not named and np.any(np.diff(values) < 0)):
        return None
    if not named and np.all(np.diff(values) == 1):
        return None  # a counter
    epoch = next((unit for least, unit in _EPOCHS if values[0] >= least), None)
    rates = {unit: 1e9 / (step * unit) for unit in _UNITS_NS}
    # Losses and frames in the first rows move the mean step, by less than the factor of 80 between
    # the bounds.
    fitting = [unit for unit in _UNITS_NS if MIN_FS <= rates[unit] <= MAX_FS]
    if epoch is not None and MIN_FS / 4 <= rates[epoch] <= 4 * MAX_FS:
        return Fraction(epoch)
    if fitting and fs is not None:
        return Fraction(min(fitting, key=lambda unit: abs(np.log(rates[unit] / fs))))
    return Fraction(fitting[0]) if fitting else None


# --- signal ---


def _value(table: Table, rows: Sequence[Row], times: set[int], wanted: Wanted, file: str) -> int:
    if wanted.channel is not None:
        return _asked_for(table, wanted.channel, times, file)
    rest = [i for i in range(len(table.spans)) if i not in times and not is_time_name(_name(table, i))]
    if not table.names:
        return _unnamed(table, rows, rest, file)
    signals = []
    for i in rest:
        name, unit = name_and_unit(table.names[i])
        given = table.units[i].strip("()[] '") if table.units else ""
        signals.append(Signal(name, given or unit or ""))
    best = best_ecg(signals)
    if best is not None:
        return rest[best]
    generic = [
        i for i, s in zip(rest, signals, strict=True) if is_generic_name(s.name) and not is_other_name(s.name)
    ]
    if len(generic) == 1:
        return generic[0]
    # Makers name a channel by its number, or by their box: where one column alone is a signal, it is that.
    signal = [
        i
        for i in rest
        if not is_other_name(table.names[i]) and not _is_counter_or_constant(table.column(rows, i))
    ]
    if len(signal) == 1:
        return signal[0]
    raise ConfigError(
        f"{file}, line {table.header_line}: an ECG column is missing from {_listed(table)}: {_ADVICE}"
    )


def _listed(table: Table) -> str:
    """Names for a message: only words of our field, since any other text may be a person's name."""
    known = [name for name in table.names if _is_of_our_field(name)]
    others = len(table.names) - len(known)
    words = shown(known) if known else "the header"
    return f"{words} and {others} more" if known and others else words


def _is_of_our_field(name: str) -> bool:
    if is_time_name(name):
        return time_unit_ns(name) is not None
    return is_ecg_name(name_and_unit(name)[0]) or is_other_name(name) or is_generic_name(name)


def _asked_for(table: Table, channel: str | int, times: set[int], file: str) -> int:
    """Column by its name, with or without its unit, or else by its number from 0."""
    text = str(channel).strip().casefold()
    for names in ([n.casefold() for n in table.names], [name_and_unit(n)[0].casefold() for n in table.names]):
        if text in names and not isinstance(channel, int):
            return names.index(text)
    if text.isdecimal() and int(text[:6]) < len(table.spans):
        if int(text) in times and len(table.spans) > 1:
            raise ConfigError(
                f"{file}: column {text} is the time (numbers count from 0): choose another channel"
            )
        return int(text)
    if not table.names and len(table.spans) == 1:
        raise ConfigError(f"{file} has one column without a name: leave out channel")
    columns = _listed(table) if table.names else f"{len(table.spans)} columns without names"
    raise ConfigError(
        f"{file}, line {table.header_line}: column {shown(str(channel))} is missing from {columns}: {_ADVICE}"
    )


def _unnamed(table: Table, rows: Sequence[Row], rest: Sequence[int], file: str) -> int:
    """The only column that is no time, no counter and not constant."""
    if len(rest) == 1:
        return rest[0]
    changing = [i for i in rest if not _is_counter_or_constant(table.column(rows, i))]
    if len(changing) == 1:
        return changing[0]
    raise ConfigError(
        f"{file}, line {rows[0].number}: {len(table.spans)} columns and no names: add a header such as "
        "'time_ns,ecg_uV', choose a column by number with channel (--channel 1), or leave one column of mV"
    )


def _is_counter_or_constant(cells: Sequence[str]) -> bool:
    try:
        values = np.array([number(cell, Style.POINT) for cell in cells])
    except ValueError:
        return False
    steps = np.diff(values)
    return bool(np.all(np.isnan(values)) or np.all(steps == 0) or np.mean(steps == 1) > _COUNTS_UP)
