"""Part files: the rows of one recording, a Parquet file for each table that has some.

A part is written under another name in the folder of its table, and renamed when all parts of the recording
are whole. Its own name follows from the recording's, so that a second analysis replaces the first. Nothing
waits for the disk here, which would cost small recordings more than their analysis: the receipt names the
size and the digest of each part, and a part that a power cut has emptied is found by them.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Any, NamedTuple

from ecgedge.scale.tables import ERRORS, TABLES, columns_of, line_of
from ecgedge.sinks.outlets.extras import library

__all__ = [
    "SCHEMA", "OutError", "Part", "Parts", "digest_of", "lines_of", "make_folders", "open_table",
    "writing_to",
]  # fmt: skip

SCHEMA = 1
"""Version of the tables' layout; it stands in the metadata of every part."""
_ROWS = 1 << 13  # of a row group: some hours of beats, and the most that waits in memory


class OutError(Exception):
    """The folder of results cannot be written: no recording is to blame."""


@dataclass(frozen=True, slots=True)
class Part:
    """A finished part file; ``file`` is its path below the folder of results."""

    file: str
    rows: int
    bytes: int
    sha256: str


class _Open(NamedTuple):
    """A part that is being written."""

    temporary: Path
    file: Any
    writer: Any
    schema: Any
    waiting: list[dict[str, Any]]
    counted: list[int]


class Parts:
    """The parts of one recording.

    Parameters
    ----------
    out : Path
        The folder of results.
    stem : str
        The name of the parts, without ending.
    about : mapping
        What the metadata of each part says, as JSON under the key ``ecgedge``.

    Raises
    ------
    OutError
        From every method, where the folder cannot be written.
    """

    def __init__(self, out: Path, stem: str, about: Mapping[str, Any]) -> None:
        self._out, self._stem, self._about = out, stem, about
        self._open: dict[str, _Open] = {}

    def add(self, table: str, row: dict[str, Any]) -> None:
        """Add a row."""
        part = self._open.get(table) or self._begin(table)
        part.waiting.append(row)
        if len(part.waiting) >= _ROWS:
            self._flush(part)

    def keep(self) -> dict[str, Part]:
        """Put the parts in their places, and remove those of an earlier analysis that has no more rows."""
        kept = {}
        with writing_to(self._out):
            for part in self._open.values():
                self._flush(part)
                part.writer.close()
                part.file.close()
            for table in TABLES:
                name = f"{table}/{self._stem}.parquet"
                if table not in self._open:
                    (self._out / name).unlink(missing_ok=True)
                    continue
                temporary = self._open[table].temporary
                size, digest = temporary.stat().st_size, digest_of(temporary)
                temporary.replace(self._out / name)
                kept[table] = Part(name, sum(self._open[table].counted), size, digest)
        self._open.clear()
        return kept

    def drop(self) -> None:
        """Remove what was written and not kept."""
        for part in self._open.values():
            with suppress(Exception):
                part.writer.close()
            with suppress(OSError):
                part.file.close()
            part.temporary.unlink(missing_ok=True)
        self._open.clear()

    def _begin(self, table: str) -> _Open:
        parquet = library("pyarrow.parquet", "scale")
        with writing_to(self._out):
            folder = self._out / table
            # For its owner alone, as mkstemp makes it: it says whose heart does what.
            handle, name = tempfile.mkstemp(prefix=f".{self._stem}-", suffix=".part", dir=folder)
            schema = schema_of(table, self._about)
            file = os.fdopen(handle, "wb")
            texts = [one.name for one in schema if str(one.type) == "string" and one.name != "json"]
            writer = parquet.ParquetWriter(file, schema, compression="zstd", use_dictionary=texts)
        self._open[table] = _Open(Path(name), file, writer, schema, [], [])
        return self._open[table]

    def _flush(self, part: _Open) -> None:
        if part.waiting:
            table = library("pyarrow", "scale").Table.from_pylist(part.waiting, part.schema)
            with writing_to(self._out):
                part.writer.write_table(table)
            part.counted.append(len(part.waiting))
            part.waiting.clear()


@contextmanager
def writing_to(out: Path) -> Iterator[None]:
    """Turn errors of the disk into :class:`OutError`."""
    try:
        yield
    except OSError as error:
        raise OutError(f"cannot write to {out}: {error.strerror or error}") from error


def make_folders(out: Path) -> None:
    """Make the folder of results, with a folder for each table, for their owner alone.

    Raises
    ------
    OutError
        It cannot be made.
    """
    with writing_to(out):
        for folder in (out, *(out / name for name in TABLES)):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def schema_of(table: str, about: Mapping[str, Any] | None = None) -> Any:
    """Return the Arrow schema of a table, with what its parts say of themselves."""
    pyarrow = library("pyarrow", "scale")
    kinds = {
        "list<string>": pyarrow.list_(pyarrow.string()),
        "map<string, double>": pyarrow.map_(pyarrow.string(), pyarrow.float64()),
    }
    columns = [(name, kinds.get(kind) or pyarrow.type_for_alias(kind)) for name, kind in columns_of(table)]
    said = {"schema": SCHEMA, "table": table, **(about or {}), "note": "not a medical device"}
    return pyarrow.schema(columns, metadata={"ecgedge": json.dumps(said)} if about else None)


def open_table(out: str | Path, table: str) -> Any:
    """Open a table of a run, whose rows are read when they are asked for.

    Parameters
    ----------
    out : str or Path
        The folder of results.
    table : str
        ``summary``, ``beats``, ``rhythm``, ``quality``, ``hrv``, ``waves``, ``events`` or ``errors``.

    Returns
    -------
    pyarrow.dataset.Dataset
        With all columns also where no recording has a row.

    Raises
    ------
    ConfigError
        pyarrow is not installed.

    Examples
    --------
    >>> import tempfile
    >>> out = Path(tempfile.mkdtemp())
    >>> make_folders(out)
    >>> open_table(out, "beats").to_table().column_names
    ['input', 'line', 'sample', 'time_s', 'rr_ms', 'symbol']
    """
    dataset = library("pyarrow.dataset", "scale")
    return dataset.dataset(Path(out) / table, schema=schema_of(table), format="parquet")


def lines_of(out: str | Path, name: str) -> list[str]:
    """Return what ``ecgedge replay --json`` prints of a recording, from the tables.

    Parameters
    ----------
    out : str or Path
        The folder of results.
    name : str
        The recording, as the column ``input`` calls it; an unknown one has no lines.

    Raises
    ------
    ConfigError
        pyarrow is not installed.

    Examples
    --------
    >>> import tempfile
    >>> out = Path(tempfile.mkdtemp())
    >>> make_folders(out)
    >>> lines_of(out, "100.hea")
    []
    """
    mine = library("pyarrow.dataset", "scale").field("input") == name
    rows = [
        (row["line"], line_of(table, row))
        for table in TABLES
        if table != ERRORS
        for row in open_table(out, table).to_table(filter=mine).to_pylist()
    ]
    return [line for _, line in sorted(rows)]


def digest_of(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
