"""Parquet: the ECG as one table and its events as another, written in row groups while the stream goes by."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from ecgedge.sinks.about import NOTHING_KNOWN, About
from ecgedge.sinks.forms.fresh import FreshFiles, FreshSink
from ecgedge.sinks.saving import expanded
from ecgedge.sinks.sink import Item
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import Acceleration, SampleBlock

__all__ = ["ParquetFiles"]

EVENTS = ".events.parquet"
# Of a row group: some minutes of ECG, some hours of beats.
_ROWS, _EVENT_ROWS = 1 << 17, 1 << 13
_SIGNAL = {"sample": "int64", "time_s": "double", "ecg_mV": "float"}
# Columns of the events that a reader filters by; what else an event has is in `fields`, as JSON.
_COLUMNS = {
    "type": "string", "sample": "int64", "time_s": "double", "end_sample": "int64", "end_time_s": "double",
    "symbol": "string", "rr_ms": "double", "label": "string", "af": "bool", "heart_rate_bpm": "double",
    "accepted": "bool", "score": "double", "text": "string", "detail": "string", "fields": "string",
}  # fmt: skip


class ParquetFiles(FreshSink):
    """``NAME.parquet`` with the ECG and, with events, ``NAME.events.parquet`` beside it, or that one alone.

    The ECG has the columns ``sample`` (int64), ``time_s`` (double) and ``ecg_mV`` (float, null where there
    is no number); samples that are missing have no row. The key ``ecgedge`` of both files' metadata is JSON:
    rate, start, lead.

    Parameters
    ----------
    path : str or Path
        A new file.
    force, source, about
        As of :class:`ecgedge.sinks.saving.NewFile`.

    Raises
    ------
    ConfigError
        pyarrow is not installed, or a file cannot be written.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        force: bool = False,
        source: Path | None = None,
        about: About = NOTHING_KNOWN,
    ) -> None:
        try:
            from pyarrow import parquet  # noqa: F401  # now, not after an hour
        except ImportError as error:
            raise ConfigError(f"{path} takes pyarrow: pip install 'ecgedge[parquet]'") from error
        main = expanded(path)
        alone = main.name.lower().endswith(EVENTS)
        self._events = main if alone else main.with_suffix(EVENTS)
        self._signal = None if alone else main
        self._about, self._fs = about, 0.0
        wanted = [self._events] * (alone or not about.signal_alone) + [main] * (not alone)
        super().__init__(main, FreshFiles(wanted, force=force, sources=[source] if source else []))
        self._tables: dict[Path, _Table] = {}
        self._held: list[Item] = []  # events before the first block, which says the rate

    def told(self) -> tuple[dict[str, object], str]:
        """Return how many rows there are."""
        rows = {path.name: table.rows for path, table in self._tables.items()}
        return {"rows": rows}, ", ".join(f"{count:,} rows in {name}" for name, count in rows.items())

    def _take(self, item: Item) -> None:
        if isinstance(item, SampleBlock):
            if self._fs and item.fs != self._fs:
                raise ConfigError(
                    f"the rate changes from {self._fs:g} to {item.fs:g} Hz, and a file has one: "
                    "save the stretches one by one, with --from and --to"
                )
            self._fs = item.fs
            self._take_block(item)
            for event in self._held:
                self._take_event(event)
            self._held.clear()
        elif not isinstance(item, Acceleration) and not self._about.signal_alone:
            if self._fs:
                self._take_event(item)
            else:
                self._held.append(item)

    def _write(self, files: FreshFiles) -> None:
        for event in self._held:
            self._take_event(event)
        for table in self._tables.values():
            table.close()

    def _let_go(self) -> None:
        for table in self._tables.values():
            table.abandon()

    def _take_block(self, block: SampleBlock) -> None:
        if self._signal is None:
            return
        sample = np.arange(block.sample, block.end_sample)
        mv = np.ma.filled(np.ma.asarray(block.samples, np.float32), np.nan)
        columns = {"sample": sample, "time_s": sample / block.fs, "ecg_mV": np.ma.masked_invalid(mv)}
        self._table(self._signal, _SIGNAL, _ROWS).add(columns, len(sample))

    def _take_event(self, event: Item) -> None:
        fields = event.to_json()  # type: ignore[union-attr]
        plain = {k: v for k, v in fields.items() if k in _COLUMNS and not isinstance(v, tuple | dict)}
        rest = {k: v for k, v in fields.items() if k not in plain}
        row = {name: [plain.get(name)] for name in _COLUMNS} | {"fields": [json.dumps(rest)]}
        self._table(self._events, _COLUMNS, _EVENT_ROWS).add(row, 1)

    def _table(self, path: Path, columns: dict[str, str], group: int) -> _Table:
        if path not in self._tables:
            self._tables[path] = _Table(self._files.open(path), columns, self._metadata(), group)
        return self._tables[path]

    def _metadata(self) -> dict[str, Any]:
        from ecgedge import __version__

        start = self._about.start
        return {
            "ecgedge": __version__, "fs": self._fs, "start": start.isoformat() if start else None,
            "channel": self._about.channel, "unit": "mV", "note": "not a medical device",
        }  # fmt: skip


class _Table:
    """A table in a file, in row groups of equal size."""

    def __init__(self, file: Any, columns: dict[str, str], metadata: dict[str, Any], group: int) -> None:
        import pyarrow
        from pyarrow import parquet

        schema = pyarrow.schema(
            [(name, pyarrow.type_for_alias(kind)) for name, kind in columns.items()],
            metadata={"ecgedge": json.dumps(metadata)},
        )
        # Dictionaries are for texts; numbers that rise or drift are smaller, and written faster, as these.
        texts = [name for name, kind in columns.items() if kind == "string"]
        floats = {name: "BYTE_STREAM_SPLIT" for name, kind in columns.items() if kind in ("double", "float")}
        whole = {name: "DELTA_BINARY_PACKED" for name, kind in columns.items() if kind == "int64"}
        self._schema, self._writer = (
            schema,
            parquet.ParquetWriter(
                file, schema, compression="zstd", use_dictionary=texts, column_encoding=floats | whole
            ),
        )
        self._waiting: list[dict[str, Any]] = []
        self.rows = self._count = 0
        self._group = group

    def add(self, columns: dict[str, Any], rows: int) -> None:
        """Add rows."""
        self._waiting.append(columns)
        self.rows, self._count = self.rows + rows, self._count + rows
        if self._count >= self._group:
            self._flush()

    def close(self) -> None:
        """Write what is left and the foot of the file."""
        if self._waiting:
            self._flush()
        self._writer.close()

    def abandon(self) -> None:
        """Let go of the file, whatever state it is in."""
        with suppress(Exception):
            self._writer.close()

    def _flush(self) -> None:
        import pyarrow

        arrays = [self._column(field) for field in self._schema]
        self._writer.write_table(pyarrow.Table.from_arrays(arrays, schema=self._schema))
        self._waiting, self._count = [], 0

    def _column(self, field: Any) -> Any:
        import pyarrow

        parts = [one[field.name] for one in self._waiting]
        if isinstance(parts[0], np.ndarray):
            joined: Any = np.ma.concatenate(parts)  # type: ignore[no-untyped-call]
            return pyarrow.array(joined.data, field.type, mask=np.ma.getmaskarray(joined))
        return pyarrow.array([value for part in parts for value in part], field.type)
