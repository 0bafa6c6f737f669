"""Tables as saved, through the eyes of pyarrow."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import parquet

from ecgedge.events import Beat, Mark, Rhythm
from ecgedge.sinks.about import About
from ecgedge.sinks.registry import open_saver
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import HeartRate, SampleBlock

FS = 130.0
EVENTS = [
    Mark(5, 5 / FS, "herzklopfen ♥\n"), Beat(50, 50 / FS, None, "V"),
    Rhythm(0, 0.0, 1300, 10.0, "A", "A", {"A": 0.75, "N": 0.25}, True, True, af=True, heart_rate_bpm=91.0),
    HeartRate(60, 0.5, 61, (984.375,)),
]  # fmt: skip


def blocks() -> list[SampleBlock]:
    mv = np.random.default_rng(0).normal(size=260).astype(np.float32)
    mv[3] = np.nan
    return [SampleBlock(mv[:130], FS, 0), SampleBlock(mv[130:], FS, 1300)]


def saved(path: Path, items: list[Any], **about: Any) -> Any:
    sink = open_saver(str(path), about=About(**about))
    sink.take(items)
    sink.close()
    return sink


def test_signal_and_events_are_two_tables(tmp_path: Path) -> None:
    made = blocks()
    saved(
        tmp_path / "a.parquet", [EVENTS[0], *made, *EVENTS[1:]], start=datetime(2026, 11, 28, 22), channel="I"
    )
    table = parquet.read_table(tmp_path / "a.parquet")
    mv = np.concatenate([b.samples for b in made])
    np.testing.assert_array_equal(table["ecg_mV"].to_numpy(), mv)
    assert table["ecg_mV"].null_count == 1
    assert table["sample"].to_pylist() == [*range(130), *range(1300, 1430)]
    np.testing.assert_allclose(table["time_s"].to_numpy() * FS, table["sample"].to_numpy())
    told = json.loads(table.schema.metadata[b"ecgedge"])
    assert (told["fs"], told["start"], told["channel"]) == (130.0, "2026-11-28T22:00:00", "I")
    rows = parquet.read_table(tmp_path / "a.events.parquet").to_pylist()
    assert [row["type"] for row in rows] == ["mark", "beat", "rhythm", "heartrate"]
    for row, event in zip(rows, EVENTS, strict=True):
        whole = {k: v for k, v in row.items() if v is not None and k != "fields"} | json.loads(row["fields"])
        expected = json.loads(json.dumps(event.to_json()))
        assert whole == {k: v for k, v in expected.items() if v is not None or k in whole}
    assert {p.stat().st_mode & 0o777 for p in tmp_path.iterdir()} == {0o600}


def test_the_signal_alone_and_the_events_alone(tmp_path: Path) -> None:
    saved(tmp_path / "a.parquet", [*blocks(), *EVENTS], events=frozenset())
    saved(tmp_path / "b.events.parquet", [*blocks(), *EVENTS])
    assert {p.name for p in tmp_path.iterdir()} == {"a.parquet", "b.events.parquet"}
    assert parquet.read_table(tmp_path / "b.events.parquet").num_rows == len(EVENTS)


def test_a_long_stream_has_row_groups(tmp_path: Path) -> None:
    long = [SampleBlock(np.full(1000, i, np.float32), FS, i * 1000) for i in range(300)]
    beats = [Beat(i, i / FS, 800.0, "N") for i in range(20_000)]
    saved(tmp_path / "a.parquet", [*long, *beats])
    for name, rows in (("a.parquet", 300_000), ("a.events.parquet", 20_000)):
        file = parquet.ParquetFile(tmp_path / name)
        assert (file.metadata.num_rows, file.metadata.num_row_groups) == (rows, 3)


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    sink = open_saver(str(tmp_path / "a.parquet"))
    with pytest.raises(ConfigError, match="the rate changes"):
        sink.take([*blocks(), *EVENTS, SampleBlock(np.zeros(5, np.float32), 250.0, 5000)])
    sink.close()
    assert not list(tmp_path.iterdir())
