"""The tables of a run: which columns each has, and how an event becomes a row.

Columns follow from the fields of the events, so that a new field is a new column. ``line`` is the place of
the event among the lines that ``ecgedge replay --json`` prints of the same recording: sorted by it, the
tables together are that output again.
"""

from __future__ import annotations

import json
from dataclasses import fields
from functools import cache
from types import NoneType
from typing import Any, get_args, get_type_hints

from ecgedge.events import Beat, Ectopy, Hrv, Quality, Rhythm, Summary, Waves

__all__ = ["ERRORS", "EVENTS", "TABLES", "Column", "columns_of", "line_of", "row_of", "table_of"]

Row = dict[str, Any]
Column = tuple[str, str]

# What has a table of its own. Everything else is in "events", as JSON.
_OWN: dict[str, type] = {
    "summary": Summary, "beats": Beat, "rhythm": Rhythm, "quality": Quality, "hrv": Hrv, "waves": Waves,
}  # fmt: skip
_TABLE_OF = {kind: name for name, kind in _OWN.items()}
EVENTS, ERRORS = "events", "errors"
TABLES = (*_OWN, EVENTS, ERRORS)

_KINDS: dict[Any, str] = {
    int: "int64",
    float: "double",
    bool: "bool",
    str: "string",
    tuple[str, ...]: "list<string>",
    dict[str, float]: "map<string, double>",
}
_FIRST: tuple[Column, ...] = (("input", "string"), ("line", "int64"))
_RECORDING: tuple[Column, ...] = (
    ("fs", "double"), ("channel", "string"), ("unit", "string"), ("start", "string"),
    ("duration_s", "double"),
)  # fmt: skip
_OTHER: tuple[Column, ...] = (
    ("type", "string"), ("sample", "int64"), ("time_s", "double"), ("json", "string"),
)  # fmt: skip
_ERROR: tuple[Column, ...] = (
    ("input", "string"), ("code", "string"), ("message", "string"), ("analysed_s", "double"),
)  # fmt: skip


@cache
def columns_of(table: str) -> tuple[Column, ...]:
    """Return the names of a table's columns and the Arrow types of what stands in them.

    Examples
    --------
    >>> columns_of("beats")[2:]
    (('sample', 'int64'), ('time_s', 'double'), ('rr_ms', 'double'), ('symbol', 'string'))
    """
    if table == ERRORS:
        return _ERROR
    if table == EVENTS:
        return _FIRST + _OTHER
    own = tuple(_columns(_OWN[table]))
    return _FIRST + (_RECORDING if table == "summary" else ()) + own


def _columns(kind: type, prefix: str = "") -> list[Column]:
    hints = get_type_hints(kind)
    found: list[Column] = []
    for one in fields(kind):
        hint = hints[one.name]
        if hint is Ectopy:
            found += _columns(Ectopy, f"{one.name}_")
        else:
            found.append((prefix + one.name, _KINDS[_certain(hint)]))
    return found


def _certain(hint: Any) -> Any:
    """Drop ``| None`` from a hint: every column may be empty."""
    given = [one for one in get_args(hint) if one is not NoneType]
    return given[0] if NoneType in get_args(hint) else hint


def table_of(event: object) -> str:
    """Return the name of the table that an event goes to."""
    return _TABLE_OF.get(type(event), EVENTS)


def row_of(event: Any) -> Row:
    """Return the row of an event, without its input and line.

    Examples
    --------
    >>> row_of(Beat(130, 1.0, None, "N"))
    {'sample': 130, 'time_s': 1.0, 'rr_ms': None, 'symbol': 'N'}
    """
    if type(event) not in _TABLE_OF:
        given: Row = event.to_json()
        return {
            "type": given["type"],
            "sample": given.get("sample"),
            "time_s": given.get("time_s"),
            "json": json.dumps(given, allow_nan=False),
        }
    row: Row = {}
    for one in fields(event):
        value = getattr(event, one.name)
        if isinstance(value, Ectopy):
            row |= {f"{one.name}_{f.name}": getattr(value, f.name) for f in fields(Ectopy)}
        else:
            row[one.name] = list(value.items()) if isinstance(value, dict) else value
    return row


def line_of(table: str, row: Row) -> str:
    """Return the line of ``ecgedge replay --json`` that a row was made of.

    Parameters
    ----------
    table : str
        Not ``errors``, whose rows no event made.
    row : dict
        As pyarrow's ``to_pylist`` gives it.

    Examples
    --------
    >>> line_of("beats", {"input": "100", "line": 0} | row_of(Beat(130, 1.0, None, "N")))
    '{"type": "beat", "sample": 130, "time_s": 1.0, "rr_ms": null, "symbol": "N"}'
    """
    if table == EVENTS:
        return str(row["json"])
    kind, columns, given = _OWN[table], dict(columns_of(table)), dict[str, Any]()
    for name in (one.name for one in fields(kind)):
        if name not in columns:
            given[name] = Ectopy(**{part.name: row[f"{name}_{part.name}"] for part in fields(Ectopy)})
        else:  # pyarrow gives a map as pairs
            given[name] = dict(row[name]) if columns[name].startswith("map") else row[name]
    return json.dumps(kind(**given).to_json(), allow_nan=False)
