"""Rows as CSV or Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ecgedge.sinks.plain import plain
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.files import atomic_file, write_atomically

__all__ = ["write_rows"]

# What spreadsheets take for a formula, whoever named the file.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_rows(rows: Sequence[dict[str, Any]], columns: Sequence[str], path: Path) -> None:
    """Write a table, whole or not at all; the ending of the name chooses the form.

    Raises
    ------
    ConfigError
        The ending is neither ``.csv`` nor ``.parquet``, pyarrow is not installed, or the file cannot be
        written.
    """
    write = {".csv": _csv, ".parquet": _parquet}.get(path.suffix.lower())
    if write is None:
        raise ConfigError(f"nothing writes {path}: give a name that ends in .csv or .parquet")
    try:
        write(rows, columns, path)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror or error}: choose another file") from error


def _csv(rows: Sequence[dict[str, Any]], columns: Sequence[str], path: Path) -> None:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    for row in rows:
        table.writerow([_cell(row[column]) for column in columns])
    write_atomically(path, text.getvalue())


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str):
        value = plain(value)
        return f"'{value}" if value.startswith(_FORMULA) else value
    return value


def _parquet(rows: Sequence[dict[str, Any]], columns: Sequence[str], path: Path) -> None:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ConfigError(f"{path} takes pyarrow: pip install 'ecgedge[parquet]'") from error
    table = pyarrow.table({column: [row[column] for row in rows] for column in columns})
    with atomic_file(path) as file:
        parquet.write_table(table, file)
