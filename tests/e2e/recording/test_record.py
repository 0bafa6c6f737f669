"""``--record`` and ``replay`` of a recording, as a user types them."""

from __future__ import annotations

import json
import signal
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.recording.csvwriter import CsvWriter
from ecgedge.recording.database.stored import StoredRecording
from ecgedge_bridge.values import SampleBlock


@pytest.fixture
def ecgedge(program: Any) -> Any:
    return program.cli()


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "ecg.csv"
    with CsvWriter(path) as writer:
        mv = synthesize([Segment("sinus", 60), Segment("noise", 20)], seed=1).mv.astype(np.float32)
        writer.write(SampleBlock(mv, fs=130.0))
    return path


def events_of(lines: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.splitlines()]


def test_a_demo_that_was_recorded_is_replayed_with_the_very_same_events(ecgedge: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "demo.db")
    live = ecgedge.run("demo", "--json", "--speed", "50", "--record", path)
    again = ecgedge.run("replay", path, "--json")
    assert (live.returncode, again.returncode) == (0, 0)
    assert events_of(again.stdout)[:-1] == events_of(live.stdout)[:-1]  # the last is the summary
    assert "the same events as recorded, all " in again.stderr
    once_more = ecgedge.run("demo", "--json", "--record", path)
    assert once_more.returncode == 1
    assert "is there already" in once_more.stderr


def test_a_strap_is_recorded_and_gone_on_with(on_strap: Any, ecgedge: Any, tmp_path: Path) -> None:
    path = tmp_path / "strap.db"
    run = on_strap("run", "Polar H10")
    for _ in range(2):
        with run.start("--json", "--record", str(path)) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if '"rhythm"' in line:
                    break
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
    again = ecgedge.run("replay", str(path), "--json")
    assert again.returncode == 0, again.stderr
    assert "the same events as recorded" in again.stderr
    with StoredRecording(path) as stored:
        first, second = stored.sessions
    assert second.first >= first.end
    in_second = [e for e in events_of(again.stdout)[:-1] if e["sample"] >= second.first]
    assert {"beat", "quality", "rhythm"} <= {event["type"] for event in in_second}
    summary = ecgedge.run("replay", str(path))
    assert "Summary of" in summary.stdout


def test_a_model_that_has_changed_is_named(ecgedge: Any, tmp_path: Path) -> None:
    path = tmp_path / "demo.db"
    assert ecgedge.run("demo", "--json", "--speed", "100", "--record", str(path)).returncode == 0
    with sqlite3.connect(path) as database:
        ((facts,),) = database.execute("SELECT facts FROM session")
        changed = json.loads(facts)
        changed["models"]["rhythm"] = "0" * 64
        database.execute("UPDATE session SET facts = ?", [json.dumps(changed)])
        # An event of another model stands in for what it would have said.
        ((piece, events),) = database.execute("SELECT id, events FROM piece LIMIT 1")
        database.execute("UPDATE piece SET events = ? WHERE id = ?", [altered(events), piece])
    database.close()
    again = ecgedge.run("replay", str(path), "--json")
    assert again.returncode == 0
    assert "found otherwise now: the rhythm model differs" in again.stderr


def altered(events: bytes) -> bytes:
    import zlib

    content = json.loads(zlib.decompress(events))
    beat = next(event for event in content["events"] if event["type"] == "beat")
    beat["time_s"] += 1
    return zlib.compress(json.dumps(content).encode())


def test_a_text_is_turned_into_a_recording(ecgedge: Any, csv: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    assert ecgedge.run("replay", str(csv), "--record", str(path)).returncode == 0
    first, second = (ecgedge.run("replay", str(source), "--json") for source in (csv, path))
    assert events_of(first.stdout)[:-1] == events_of(second.stdout)[:-1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--daily",), "--record"),
        (("--record", "a.db", "--keep-days", "3"), "--daily"),
        (("--record", "no/such/folder/a.db"), "check the folder"),
    ],
)
def test_options_without_sense_are_one_line(
    ecgedge: Any, csv: Path, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = ecgedge.run("replay", str(csv), *arguments, cwd=tmp_path)
    assert done.returncode in (1, 2)
    assert words in done.stderr
    assert "Traceback" not in done.stderr
