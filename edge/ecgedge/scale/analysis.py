"""One recording from its first sample to its last: the events of ``ecgedge replay``, into part files."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecgedge.recording.database.again import Again
from ecgedge.recording.database.store import is_recording
from ecgedge.recording.database.stored import StoredRecording
from ecgedge.scale.parts import Parts
from ecgedge.scale.plan import Options
from ecgedge.scale.receipts import Failure
from ecgedge.scale.tables import Row, row_of, table_of
from ecgedge.sinks.ending import Ending
from ecgedge.sinks.plain import plain
from ecgedge.sinks.replayed import ReadNotes, replayed, values_of
from ecgedge.sinks.sink import Several
from ecgedge.stream.stats import MonitorStats
from ecgedge_bridge.errors import EcgEdgeError
from ecgedge_bridge.values import Acceleration, SampleBlock

__all__ = ["Found", "analyse"]


@dataclass(frozen=True, slots=True)
class Found:
    """How far an analysis came: seconds of ECG, missing samples included, and what ended it early."""

    ecg_s: float
    error: Failure | None


class _Rows:
    """A sink that turns events into rows, as ``--json`` turns them into lines."""

    def __init__(self, parts: Parts, name: str) -> None:
        self._parts, self._name = parts, name
        self._line = 0
        self.fs = 0.0

    def take(self, items: Iterable[Any]) -> None:
        for item in items:
            if isinstance(item, SampleBlock):
                self.fs = self.fs or item.fs
            elif not isinstance(item, Acceleration):
                self.add(item)

    def add(self, event: Any, **more: Any) -> None:
        row: Row = {"input": self._name, "line": self._line, **more, **row_of(event)}
        self._parts.add(table_of(event), row)
        self._line += 1

    def close(self) -> None:
        """Do nothing: whoever made the parts keeps or drops them."""


def analyse(path: Path, name: str, options: Options, parts: Parts) -> Found:
    """Analyse a recording.

    What was found before an error is kept: the file was good until there.

    Parameters
    ----------
    path : Path
        A local file.
    name : str
        What results call it.
    options : Options
    parts : Parts
        Take the rows of events.

    Raises
    ------
    OutError
        The folder of results cannot be written.
    """
    rows, ending = _Rows(parts, name), Ending()
    stats, facts, error = MonitorStats(), dict[str, Any](), None
    try:
        values = values_of(path, options.fs, options.channel, options.unit)
        facts = _facts_of(values)
        stats, error = _run(path, values, options, Several([rows, ending]))
    except (EcgEdgeError, OSError) as caught:
        error = Failure("unreadable", _first_line(caught))
    ecg_s = round((stats.samples + stats.lost) / rows.fs, 3) if rows.fs else 0.0
    if stats.samples and (stats.windows or error is None or error.code == "cut"):  # as replay ends
        rows.add(ending.summary(), **facts | {"fs": rows.fs, "duration_s": ecg_s})
    if error is not None:
        error = Failure(error.code, _as_named(error.message, path, name))
    return Found(ecg_s, error)


def _run(path: Path, values: Any, options: Options, sink: Several) -> tuple[MonitorStats, Failure | None]:
    """Send a recording through its monitor, or through those that its sessions had."""
    if is_recording(path):
        values.close()
        with StoredRecording(path) as stored:
            again = Again(stored, options.models())
            for item in again:
                sink.take([item])
        return again.stats, None
    monitor, notes = options.monitor(), ReadNotes(values)
    try:
        # Closed after an error too: what came before it is analysed to its end.
        with closing(replayed(values, monitor, sink, notes=notes.new)) as steps:
            for _ in steps:
                pass
    except (EcgEdgeError, OSError) as caught:
        return monitor.stats, Failure("unreadable", _first_line(caught))
    return monitor.stats, None if notes.cut is None else Failure("cut", notes.cut)


def _facts_of(values: Any) -> dict[str, Any]:
    start = getattr(values, "start", None)
    channel = getattr(values, "channel", None)
    return {
        "channel": channel and plain(channel),  # foreign, and perhaps no text
        "unit": getattr(values, "unit", None),
        "start": start.isoformat() if start else None,
    }


def _as_named(message: str, path: Path, name: str) -> str:
    """Name files in a message as the user did: where a copy of them was tells nobody anything."""
    folder = name.rpartition("/")[0]
    return message.replace(str(path), name).replace(f"{path.parent}/", f"{folder}/" if folder else "")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
