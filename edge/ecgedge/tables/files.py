"""Rows as CSV or Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ecgedge.sinks.plain import plain
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.files import atomic_file, write_atomically

__all__ = ["check_table", "write_rows"]

# What spreadsheets take for a formula, whoever named the file.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_OWNER_ALONE = 0o600  # it says whose heart does what


def check_table(path: Path) -> None:
    """Refuse a table that cannot be written, before hours of work go into it.

    Raises
    ------
    ConfigError
        The ending is neither ``.csv`` nor ``.parquet``, or pyarrow is not installed.
    """
    if path.suffix.lower() not in (".csv", ".parquet"):
        raise ConfigError(f"nothing writes {path}: give a name that ends in .csv or .parquet")
    if path.suffix.lower() == ".parquet" and find_spec("pyarrow") is None:
        raise ConfigError(f"{path} takes pyarrow: pip install 'ecgedge[parquet]'")


def write_rows(rows: Sequence[dict[str, Any]], columns: Mapping[str, type], path: Path) -> None:
    """Write a table that only its owner reads, whole or not at all; the name's ending chooses the form.

    Parameters
    ----------
    rows : sequence of dict
    columns : mapping of str to type
        Names in their order, and what stands in them: str, bool, int or float, or None.
    path : Path

    Raises
    ------
    ConfigError
        As :func:`check_table`, or the file cannot be written.
    """
    check_table(path)
    try:
        (_csv if path.suffix.lower() == ".csv" else _parquet)(rows, columns, path)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror or error}: choose another file") from error


def _csv(rows: Sequence[dict[str, Any]], columns: Mapping[str, type], path: Path) -> None:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    for row in rows:
        table.writerow([_cell(row[column]) for column in columns])
    write_atomically(path, text.getvalue(), _OWNER_ALONE)


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str):
        value = plain(value)
        return f"'{value}" if value.startswith(_FORMULA) else value
    return value


def _parquet(rows: Sequence[dict[str, Any]], columns: Mapping[str, type], path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    # By what may stand in a column, not by what does: tables of two studies can be put below each other.
    kinds = {str: pyarrow.string(), bool: pyarrow.bool_(), int: pyarrow.int64(), float: pyarrow.float64()}
    schema = pyarrow.schema([(name, kinds[kind]) for name, kind in columns.items()])
    table = pyarrow.table({name: [row[name] for row in rows] for name in columns}, schema)
    with atomic_file(path, _OWNER_ALONE) as file:
        parquet.write_table(table, file)
