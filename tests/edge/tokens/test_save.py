"""``ecgedge save``: a recording as words of three bytes, and back; nothing that is there is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.recording import load
from ecgedge.recording.csvwriter import CsvWriter
from ecgedge.tokens import Sentence
from ecgedge_bridge.values import SampleBlock

MV = synthesize([Segment("sinus", 70)], fs=130, seed=1).mv.astype(np.float32)


@pytest.fixture
def ecgedge(program: Any) -> Any:
    return program.cli()


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "h10.csv"
    with CsvWriter(path) as writer:
        writer.write(SampleBlock(MV, fs=130.0))
    return path


def test_a_recording_becomes_words_and_a_recording_again(ecgedge: Any, csv: Path, tmp_path: Path) -> None:
    words, again = tmp_path / "h10.ecgt", tmp_path / "again.csv"
    done = ecgedge.run("save", str(csv), str(words), "--tokens")
    assert (done.returncode, done.stderr) == (0, "")
    sentence = Sentence.from_bytes(words.read_bytes())
    assert len(sentence) == pytest.approx(70 * 68 / 60, abs=4)
    assert f"{len(sentence)} beats in 3." in done.stdout
    assert "PRD" in done.stdout
    assert words.stat().st_size < csv.stat().st_size / 500
    done = ecgedge.run("save", str(words), str(again))
    assert done.returncode == 0, done.stderr
    decoded = load(again)
    assert decoded.fs == 100.0
    assert decoded.duration_s == pytest.approx(70, abs=2)
    done = ecgedge.run("replay", str(words), "--json")
    types = [json.loads(line)["type"] for line in done.stdout.splitlines()]
    assert types.count("beat") == pytest.approx(len(sentence), abs=3)
    assert "note" in types  # that it was decoded


def test_what_is_there_stays_unless_force_is_given(ecgedge: Any, csv: Path, tmp_path: Path) -> None:
    words = tmp_path / "h10.ecgt"
    words.write_bytes(b"mine")
    done = ecgedge.run("save", str(csv), str(words), "--tokens")
    assert done.returncode == 1
    assert "is there already" in done.stderr
    assert words.read_bytes() == b"mine"
    assert ecgedge.run("save", str(csv), str(words), "--tokens", "--force").returncode == 0
    assert words.read_bytes().startswith(b"ECGT")
    done = ecgedge.run("save", str(words), str(words), "--force")
    assert done.returncode == 1
    assert "is what is read" in done.stderr
    assert words.read_bytes().startswith(b"ECGT")


def test_events_with_words(ecgedge: Any, csv: Path, tmp_path: Path) -> None:
    out = tmp_path / "events.jsonl"
    done = ecgedge.run("save", str(csv), str(out), "--tokens", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["bytes"] == out.stat().st_size
    events = [json.loads(line) for line in out.read_text().splitlines()]
    beats = [event["sample"] for event in events if event["type"] == "beat"]
    words = [event for event in events if event["type"] == "word"]
    assert [event["sample"] for event in words] == beats
    assert all(0 <= event["code"] <= 255 for event in words)


@pytest.mark.parametrize(
    ("out", "says"),
    [("a.csv", "--tokens writes words"), ("a.xyz", "nothing writes"), ("no/a.ecgt", "cannot write")],
)
def test_what_cannot_be_written_is_one_line(
    ecgedge: Any, csv: Path, tmp_path: Path, out: str, says: str
) -> None:
    done = ecgedge.run("save", str(csv), str(tmp_path / out), "--tokens")
    assert done.returncode == 1
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"h10.csv"}


def test_a_flat_line_leaves_no_file(ecgedge: Any, tmp_path: Path) -> None:
    flat, out = tmp_path / "flat.csv", tmp_path / "flat.ecgt"
    with CsvWriter(flat) as writer:
        writer.write(SampleBlock(np.zeros(2600, np.float32), fs=130.0))
    done = ecgedge.run("save", str(flat), str(out), "--tokens", "--channel", "ecg_uV")
    assert done.returncode == 0, done.stderr
    assert "was not written" in done.stdout
    assert not out.exists()
