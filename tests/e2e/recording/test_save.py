"""``ecgedge save`` as a user types it: from a recording, a stretch of it, and what goes wrong."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import edfio
import numpy as np
import pytest
import wfdb
from pyarrow import parquet

from ecgedge import Beat, Monitor, Recorder, load
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.recording.csvwriter import CsvWriter
from ecgedge.recording.database.stored import StoredRecording
from ecgedge_bridge.values import SampleBlock

FS = 130.0


@pytest.fixture
def ecgedge(program: Any) -> Any:
    return program.cli()


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ninety seconds with a gap, a mark and all that the monitor found."""
    path = tmp_path_factory.mktemp("recorded") / "night.db"
    ecg = synthesize([Segment("sinus", 90)], fs=FS, seed=3).mv
    ecg = (np.rint(ecg * 1000) / 1000).astype(np.float32)
    monitor = Monitor()
    with Recorder(path) as recorder:
        for at in range(0, len(ecg), 130):
            if at == 50 * 130:
                continue
            block = recorder.place(SampleBlock(ecg[at : at + 130], FS, at))
            recorder.take([block, *monitor.feed(block)])
            if at == 60 * 130:
                recorder.mark("herzklopfen ♥")
        recorder.take(monitor.finish())
    return path


def beats(path: Path) -> list[int]:
    with StoredRecording(path) as stored:
        return [event.sample for event in stored.events() if isinstance(event, Beat)]


def test_a_recording_goes_into_every_form_with_the_events_that_were_recorded(
    ecgedge: Any, recording: Path, tmp_path: Path
) -> None:
    for name in ("a.hea", "a.edf", "a.parquet", "a.fhir.json", "a.csv", "a.jsonl"):
        done = ecgedge.run("save", str(recording), str(tmp_path / name), "--json")
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert told["type"] == "saved"
        assert told["bytes"] >= (tmp_path / name).stat().st_size > 100
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in tmp_path.iterdir())
    expected = beats(recording)
    found = wfdb.rdann(str(tmp_path / "a"), "atr")
    assert [s for s, y in zip(found.sample, found.symbol, strict=True) if y in "NSVFQ"] == expected
    assert any("mark: herzklopfen" in text for text in found.aux_note)
    assert any("gap of 130 samples" in text for text in found.aux_note)
    notes = edfio.read_edf(tmp_path / "a.edf").annotations
    assert [round(n.onset % 1e6 * FS) for n in notes if n.text in "NSVFQ"] == expected
    rows = parquet.read_table(tmp_path / "a.events.parquet").to_pylist()
    assert [row["sample"] for row in rows if row["type"] == "beat"] == expected
    events = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert [event["sample"] for event in events if event["type"] == "beat"] == expected
    assert "herzklopfen ♥" in (tmp_path / "a.fhir.json").read_text("utf-8")


def test_what_was_saved_is_read_back_with_its_gap(ecgedge: Any, recording: Path, tmp_path: Path) -> None:
    whole = load(recording)
    for name in ("a.hea", "a.edf"):
        ecgedge.run("save", str(recording), str(tmp_path / name), "--events", "none")
        np.testing.assert_array_equal(load(tmp_path / name).mv, whole.mv)
    assert np.isnan(whole.mv).sum() == 130


def test_a_stretch_of_some_events(ecgedge: Any, recording: Path, tmp_path: Path) -> None:
    stretch = "--from", "0:40", "--to", "70"
    done = ecgedge.run("save", str(recording), str(tmp_path / "a.hea"), *stretch, "--events", "beat,gap")
    assert done.returncode == 0, done.stderr
    found = wfdb.rdann(str(tmp_path / "a"), "atr")
    inside = [at - 5200 for at in beats(recording) if 5200 <= at < 9100]
    assert [s for s, y in zip(found.sample, found.symbol, strict=True) if y != '"'] == inside
    rows = zip(found.sample, found.symbol, found.aux_note, strict=True)
    assert [(s, t) for s, y, t in rows if y == '"'] == [(1300, "gap of 130 samples lost (1.0 s)")]
    np.testing.assert_array_equal(load(tmp_path / "a").mv, load(recording).mv[5200:9100])


def test_a_file_of_the_second_day_begins_with_its_own_first_sample(ecgedge: Any, tmp_path: Path) -> None:
    mv = (np.arange(2600) % 200 / 1000).astype(np.float32)
    with Recorder(tmp_path / "one.db") as one:
        one.take([one.place(SampleBlock(mv[:1300], FS, 0))])
    with Recorder(tmp_path / "two.db", after=one) as two:
        two.take([two.place(SampleBlock(mv[1300:], FS, 1300))])
        two.mark("here")
    done = ecgedge.run("save", str(tmp_path / "two.db"), str(tmp_path / "two.hea"), "--from", "2")
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(load(tmp_path / "two.hea").mv, mv[1300 + 260 :])
    done = ecgedge.run("save", str(tmp_path / "two.db"), str(tmp_path / "all.hea"))
    assert wfdb.rdann(str(tmp_path / "all"), "atr").sample.tolist() == [1300]


def test_events_are_found_anew_where_that_is_asked_for(ecgedge: Any, recording: Path, tmp_path: Path) -> None:
    for name, more in (("a.jsonl", []), ("b.jsonl", ["--again"])):
        assert ecgedge.run("save", str(recording), str(tmp_path / name), *more).returncode == 0
    assert sorted((tmp_path / "a.jsonl").read_text().splitlines()) == sorted(
        (tmp_path / "b.jsonl").read_text().splitlines()
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["a.doc"], "a name that ends in .csv or .jsonl"),
        (["my night.hea"], "letters, digits, _ and - in its name: choose another file"),
        (["no/a.edf"], "cannot write"),
        (["a.hea", "--events", "beats"], "--events beats: give none, all, or some of battery,beat"),
        (["a.jsonl", "--events", "none"], "choose some events, or another form"),
        (["a.edf", "--from", "1:20", "--to", "60"], "--to 60 is not behind --from 1:20: give a later time"),
        (["a.edf", "--from", "soon"], "is no time: give seconds"),
        (["a.hea", "--fs", "250"], "leave out fs, channel and unit"),
    ],
)
def test_what_cannot_be_is_one_line(
    ecgedge: Any, recording: Path, tmp_path: Path, arguments: list[str], says: str
) -> None:
    name, *more = arguments
    done = ecgedge.run("save", str(recording), str(tmp_path / name), *more)
    assert done.returncode == 1
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_stretch_in_which_nothing_is_leaves_no_file(ecgedge: Any, recording: Path, tmp_path: Path) -> None:
    done = ecgedge.run("save", str(recording), str(tmp_path / "a.edf"), "--from", "9:00")
    assert done.returncode == 0
    assert "was not written" in done.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.hea", "a.edf", "a.parquet", "a.fhir.json"])
def test_a_full_disk_leaves_what_was_there(recording: Path, tmp_path: Path, name: str) -> None:
    source, folder = tmp_path / "night.csv", tmp_path / "out"
    with CsvWriter(source) as writer:  # SQLite needs room itself
        writer.write(SampleBlock(load(recording).mv, FS))
    folder.mkdir()
    (folder / name).write_text("mine")
    main = "from ecgedge.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", main, "save", str(source), str(folder / name), "--force", "--events", "none"],
        capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
    )  # fmt: skip
    assert done.returncode == 1, done.stdout
    assert "File too large: choose another file" in done.stderr
    assert done.stderr.count("\n") == 1
    assert {p.name: p.read_text() for p in folder.iterdir()} == {name: "mine"}
