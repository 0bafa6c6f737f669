"""Events and recordings as tables."""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ecgedge
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.recording.csvwriter import CsvWriter
from ecgedge.tables.files import write_rows
from ecgedge.tables.recordings import COLUMNS, Wish, row_of, rows_of
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import SampleBlock


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("recordings")
    for number, rate in enumerate((60.0, 80.0)):
        with CsvWriter(made / f"{number}.csv") as writer:
            mv = synthesize([Segment("sinus", 60, rate)], seed=number).mv.astype(np.float32)
            writer.write(SampleBlock(mv, fs=130.0))
    (made / "2.csv").write_text("name,weight\nErika,\n")
    return made


def test_every_event_has_a_row_and_every_field_a_column(folder: Path) -> None:
    pandas = pytest.importorskip("pandas")
    r = ecgedge.load(folder / "0.csv")
    monitor = ecgedge.Monitor(fs=r.fs)
    events = [*monitor.feed(r.mv), *monitor.finish()]
    frame = ecgedge.to_dataframe(events)
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.columns[:3]) == ["type", "sample", "time_s"]
    assert frame["type"].tolist() == [type(event).__name__.lower() for event in events]
    rhythm = frame[frame["type"] == "rhythm"].iloc[-1]
    told = [event for event in events if isinstance(event, ecgedge.Rhythm)][-1]
    assert rhythm["probabilities_N"] == told.probabilities["N"]
    assert ecgedge.to_dataframe([]).columns.tolist() == ["type", "sample", "time_s"]


def test_a_row_says_what_summarize_says(folder: Path) -> None:
    row = row_of(folder / "1.csv")
    summary = ecgedge.summarize(ecgedge.load(folder / "1.csv"))
    assert row.keys() == set(COLUMNS)
    assert (row["heart_rate_bpm"], row["beats"], row["rmssd_ms"]) == (
        summary.heart_rate_bpm,
        summary.beats,
        summary.rmssd_ms,
    )
    assert row["duration_s"] == pytest.approx(60, abs=0.1)
    assert row["error"] is None


@pytest.mark.parametrize("jobs", [1, 2])
def test_rows_come_in_order_and_errors_are_rows(folder: Path, jobs: int) -> None:
    done: list[tuple[int, int]] = []
    paths = sorted(folder.glob("*.csv"))
    rows = list(rows_of(paths, Wish(), jobs, lambda a, b: done.append((a, b))))
    assert [row["file"] for row in rows] == [str(path) for path in paths]
    assert done == [(1, 3), (2, 3), (3, 3)]
    assert [row["error"] is None for row in rows] == [True, True, False]
    assert rows[2]["duration_s"] is None
    assert "Erika" not in rows[2]["error"]


@pytest.mark.skipif(multiprocessing.get_start_method() != "fork", reason="the fault is handed on by fork")
def test_a_recording_that_kills_its_process_is_one_row_and_the_others_are_whole(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(path: Path, *options: Any) -> Any:
        if path.name == "killer.csv":
            os.kill(os.getpid(), signal.SIGKILL)
        if path.name == "fault.csv":
            raise ZeroDivisionError
        return ecgedge.read(path, *options)

    monkeypatch.setattr("ecgedge.tables.recordings.read", read)
    good = sorted(folder.glob("*.csv"))[0]
    paths = [good, tmp_path / "killer.csv", good, tmp_path / "fault.csv", good]
    rows = list(rows_of(paths, jobs=2))
    assert [row["file"] for row in rows] == [str(path) for path in paths]
    assert [bool(row["error"]) for row in rows] == [False, True, False, True, False]
    assert "was killed" in rows[1]["error"]
    assert "ZeroDivisionError" in rows[3]["error"]
    assert rows[0] == rows[2] == rows[4]


def test_a_recording_that_breaks_off_has_its_beginning(folder: Path, tmp_path: Path) -> None:
    text = (folder / "0.csv").read_text().splitlines()
    (tmp_path / "a.csv").write_text("\n".join([*text[:6000], "nonsense,x", *text[6000:]]))
    row = row_of(tmp_path / "a.csv")
    assert "line 6001" in row["error"]
    assert row["beats"] > 20


def rows() -> list[dict[str, Any]]:
    names = ["=cmd()", "a\x1b[2Jb", 'with "quotes", and\nlines', "plain"]
    return [
        dict.fromkeys(COLUMNS) | {"file": name, "beats": 3, "usable": 1 / 3, "af": True} for name in names
    ]


def test_a_csv_is_safe_to_open(tmp_path: Path) -> None:
    write_rows(rows(), COLUMNS, tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(newline="") as file:
        read = list(csv.DictReader(file))
    assert [row["beats"] for row in read] == ["3"] * 4
    assert read[0]["file"] == "'=cmd()"
    assert "\x1b" not in (tmp_path / "t.csv").read_text()
    assert read[3]["usable"] == "0.333333"


def test_parquet_keeps_types(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    write_rows(rows(), COLUMNS, tmp_path / "t.parquet")
    table = parquet.read_table(tmp_path / "t.parquet").to_pylist()
    assert (table[0]["usable"], table[0]["af"], table[0]["beats"]) == (1 / 3, True, 3)
    assert [row["file"] for row in table] == [row["file"] for row in rows()]


def test_parquet_tables_of_two_studies_fit_together(tmp_path: Path) -> None:
    """Also where a column is empty in one of them: no start, no error."""
    parquet, pyarrow = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    full = [row | {"start": "2026-11-29", "error": "broken", "rmssd_ms": 20.0} for row in rows()]
    for name, each in (("a", rows()), ("b", full)):
        write_rows(each, COLUMNS, tmp_path / f"{name}.parquet")
    tables = [parquet.read_table(tmp_path / f"{name}.parquet") for name in "ab"]
    assert tables[0].schema == tables[1].schema
    assert pyarrow.concat_tables(tables).num_rows == 8


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_a_table_is_for_its_owner_alone(tmp_path: Path, name: str) -> None:
    write_rows(rows(), COLUMNS, tmp_path / name)
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["t.xlsx", "no/such/t.csv/"])
def test_what_cannot_be_written_is_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError):
        write_rows(rows(), COLUMNS, Path("/proc") / "t.csv" if "no" in name else tmp_path / name)


def test_the_command(folder: Path, tmp_path: Path, program: Any) -> None:
    out = tmp_path / "t.csv"
    done = program.cli().run("table", str(folder), "-o", str(out))
    assert done.returncode == 1  # one cannot be read
    assert len(done.stderr.splitlines()) == 1
    with out.open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 3
    assert "is there already" in program.cli().run("table", str(folder), "-o", str(out)).stderr
    lines = program.cli().run("table", str(folder / "0.csv"), "--json")
    assert (lines.returncode, json.loads(lines.stdout)["type"]) == (0, "recording")
    words = program.cli().run("table", str(folder / "0.csv"), str(folder / "1.csv"))
    assert "1.csv" in words.stdout
    assert "80/min" in words.stdout
