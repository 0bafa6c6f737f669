"""Tables that list recordings: Withings' and Samsung Health's exports of an account."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path

from ecgedge.recording.blocks import Blocks, ReadNote, Wanted
from ecgedge.recording.held import Held, blocks_of
from ecgedge.recording.readers.forms.fhir import moment
from ecgedge.recording.readers.forms.makers import read_samsung
from ecgedge.recording.readers.forms.whole import everything, numbers, parsed_json
from ecgedge.recording.source import Source
from ecgedge_bridge.codes import NoteCode
from ecgedge_bridge.errors import ConfigError

__all__ = ["is_listed", "read_listed"]

_SAMSUNG = b"com.samsung.health.ecg"
_MOST_BYTES = 64 << 20  # a recording of 30 s has 50 kB
_MOST_CELL = 8 << 20


def is_listed(source: Source) -> bool:
    """Whether this is one of those tables."""
    first = source.head.removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0].strip().lower()
    cells = first.split(b",")
    return first.startswith(_SAMSUNG) or {b"signal", b"frequency", b"date"} <= set(cells)


def read_listed(source: Source, wanted: Wanted) -> Blocks:
    """Read the first recording of the list."""
    text = everything(source, _MOST_BYTES).decode("utf-8-sig", "replace")
    samsung = text.startswith(_SAMSUNG.decode())
    rows = _rows(text.partition("\n")[2] if samsung else text, source.name)
    if not rows:
        raise ConfigError(f"{source.name} lists no recording: export it again")
    words = f"{len(rows)} recordings are in the file: the first one was read"
    notes = [ReadNote(NoteCode.OTHER, words)] if len(rows) > 1 else []
    return (_samsung if samsung else _withings)(rows[0], source, wanted, notes)


def _rows(text: str, name: str) -> list[dict[str, str]]:
    before = csv.field_size_limit(_MOST_CELL)
    try:
        return [row for row in csv.DictReader(io.StringIO(text)) if any(row.values())]
    except csv.Error as error:
        raise ConfigError(f"{name}: {error}: export the file again") from error
    finally:
        csv.field_size_limit(before)


def _beside(source: Source, name: str) -> list[Path]:
    """Where the app's export keeps charts: in folders named after the table and the first letter."""
    base = source.path.parent / "jsons" / _SAMSUNG.decode()
    return [base / name, base / name[:1] / name]


def _withings(row: Mapping[str, str], source: Source, wanted: Wanted, notes: list[ReadNote]) -> Blocks:
    try:
        values = numbers(json.loads(row["signal"] or ""), source.name)
        fs = float(row["frequency"] or "")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConfigError(
            f"{source.name} has a recording without signal or frequency: export again"
        ) from error
    # Watches count in microvolts, the blood-pressure monitor in millivolts: the size of the beats shows it.
    return blocks_of([Held.of("I", "", fs, values)], wanted, source.name, moment(row.get("date")), notes)


def _samsung(row: Mapping[str, str], source: Source, wanted: Wanted, notes: list[ReadNote]) -> Blocks:
    name = (row.get("chart_data") or "").strip()
    if not name or "/" in name or "\\" in name:
        raise ConfigError(f"{source.name} names no chart of a recording: export it again")
    folder = source.path.parent
    chart = next((path for path in (folder / name, *_beside(source, name)) if path.is_file()), None)
    if chart is None:
        raise ConfigError(f"{source.name} names a chart that is not beside it: copy the jsons folder too")
    signals, _, found = read_samsung(parsed_json(Source(chart)), chart.name)
    try:
        fs = float(row.get("sample_frequency") or "")
        signals = [Held(one.name, one.unit, fs, one.pieces) for one in signals]
        found = []
    except ValueError:
        pass  # the app's own rate
    start = moment((row.get("start_time") or "").strip())
    return blocks_of(signals, wanted, source.name, start, [*notes, *found])
