"""Marks from another program: real files, real locks, and what somebody may leave in the folder."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ecgedge.cli.live.marks import Marks
from ecgedge.events import Mark
from ecgedge.recording.database.marks_folder import LONGEST_TEXT, MarksFolder, post
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import SampleBlock


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return tmp_path / "ecg.db"


@pytest.fixture
def folder(recording: Path) -> Iterator[MarksFolder]:
    made = MarksFolder(recording)
    yield made
    made.close()


def block(end: int) -> SampleBlock:
    return SampleBlock(np.zeros(73, np.float32), fs=130.0, sample=end - 73)


def test_a_mark_of_another_process_comes_once_and_in_order(folder: MarksFolder, recording: Path) -> None:
    code = "import sys; from pathlib import Path; from ecgedge.recording.database.marks_folder import post\n"
    code += "for text in sys.argv[2:]: post(Path(sys.argv[1]), text)"
    subprocess.run([sys.executable, "-c", code, str(recording), "stairs", "palpitations"], check=True)
    assert [felt.text for felt in folder.taken()] == ["stairs", "palpitations"]
    assert list(folder.taken()) == []


def test_a_mark_for_nobody_is_refused(recording: Path) -> None:
    with pytest.raises(ConfigError, match="nobody records to"):
        post(recording)
    MarksFolder(recording).close()
    with pytest.raises(ConfigError, match="nobody records to"):
        post(recording)
    # What a program that was killed leaves is held by nobody.
    recording.with_name("ecg.db-marks").mkdir()
    with pytest.raises(ConfigError, match="nobody records to"):
        post(recording)


def test_the_file_of_a_day_leads_to_the_recording_too(folder: MarksFolder, recording: Path) -> None:
    post(recording.with_name("ecg-2026-11-29.db"), "walk")
    assert [felt.text for felt in folder.taken()] == ["walk"]


def test_only_the_owner_reads_what_was_felt(folder: MarksFolder, recording: Path) -> None:
    post(recording, "private")
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in folder.path.iterdir()] == [0o600]


def test_text_is_one_line_of_a_sentence(folder: MarksFolder, recording: Path) -> None:
    post(recording, "a\n\tb\x1b" + "é" * 1000)
    (felt,) = folder.taken()
    assert felt.text.startswith("a b")
    assert len(felt.text) == LONGEST_TEXT
    assert abs(felt.utc_s - time.time()) < 60


def test_what_is_no_mark_is_thrown_away_and_blocks_nothing(
    folder: MarksFolder, recording: Path, tmp_path: Path
) -> None:
    inside = folder.path
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps({"utc_s": 1.0, "text": "secret"}))
    (inside / "0-link.json").symlink_to(secret)
    os.mkfifo(inside / "1-pipe.json")
    (inside / "2-empty.json").write_text("")
    (inside / "3-deep.json").write_text("[" * 4000)
    (inside / "4-wrong.json").write_text('{"utc_s": "x", "text": "y"}')
    (inside / "5-large.json").write_text('{"utc_s": 1, "text": "' + "x" * 10_000 + '"}')
    (inside / "6-folder.json").mkdir()
    post(recording, "good")
    assert [felt.text for felt in folder.taken()] == ["good"]
    assert [path.name for path in inside.iterdir()] == ["6-folder.json"]
    assert secret.exists()
    (inside / "6-folder.json").rmdir()


def test_a_flood_is_taken_in_bit_by_bit(folder: MarksFolder, recording: Path) -> None:
    for number in range(50):
        post(recording, str(number))
    taken = [len(list(folder.taken())) for _ in range(4)]
    assert taken == [20, 20, 10, 0]


def test_a_folder_that_is_deleted_stops_nothing(folder: MarksFolder) -> None:
    folder.path.rmdir()
    assert list(folder.taken()) == []


def test_marks_stand_where_they_were_felt(recording: Path) -> None:
    now = [1000.0]
    marks = Marks(recording, clock=lambda: now[0])
    marks.post("now")
    now[0] += 2.0
    assert list(marks.due(block(13_000))) == [Mark(12_740, 98.0, "now")]
    assert list(marks.due(block(13_073))) == []
    # The link was down for an hour: where the stream goes on, or ten minutes before.
    marks.post("then")
    now[0] += 3600.0
    assert [mark.sample for mark in marks.due(block(130_000))] == [130_000 - 600 * 130]
    # A clock that was set back, and a stream that has just begun.
    marks.post("back")
    now[0] -= 86_400.0
    assert [mark.sample for mark in marks.due(block(13_000))] == [13_000]
    marks.post("begin")
    now[0] += 60.0
    assert [mark.sample for mark in marks.due(block(73))] == [0]
    marks.close()


def test_what_waits_is_bounded() -> None:
    marks = Marks()
    for number in range(1000):
        marks.post(str(number))
    assert len(list(marks.due(block(73)))) == 20
