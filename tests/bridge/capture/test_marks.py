"""Marks in a capture: where they belong, whatever waited meanwhile, and what an older reader sees."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from ecgedge_bridge import Mark, NoteCode, SampleBlock, replay
from ecgedge_bridge.capture.file import CaptureHeader, CaptureWriter, LinkRecord, MarkRecord, read_capture
from ecgedge_bridge.capture.marks import LONGEST_TEXT, Marks, mark_before, safe_text
from ecgedge_bridge.protocols.own.frames import ECG_NOTIFY, split_frames
from ecgedge_bridge.protocols.standard.heart_rate import HEART_RATE_MEASUREMENT
from ecgedge_bridge.values import Place

FS, N = 250, 50
HEADER = CaptureHeader(
    "it", "", "ecgedge", 1.7e9, 1000.0, (), None, "", {ECG_NOTIFY: ("notify",)}, ("2cd70001",)
)


def block(sample: int, arrival_s: float | None) -> SampleBlock:
    return SampleBlock(np.zeros(N, np.float32), fs=FS, sample=sample, host_time_s=arrival_s)


def frame(number: int) -> bytes:
    samples = np.zeros(N, np.int64)
    return split_frames(samples, FS, 244, number * N, number * N * 1000 // FS)[0]


def begin(writer: CaptureWriter) -> None:
    for state in ("scanning", "connecting", "setting_up", "waiting", "streaming"):
        writer.write_link(LinkRecord(state, "", "it", 1000.0))


def test_a_mark_comes_behind_the_first_block_that_arrived_after_it() -> None:
    marks = Marks()
    assert marks.add("one", 10.0) == []
    assert marks.add("two", 10.1) == []
    assert marks.due(block(0, 9.9)) == []
    assert marks.due(block(50, 10.0)) == []  # this very moment is not after it
    assert marks.due(block(100, 10.05)) == [Mark(137, 137 / FS, "one")]
    assert marks.due(block(150, 10.5)) == [Mark(100, 100 / FS, "two")]
    assert marks.due(block(200, 11.0)) == []


def test_a_mark_of_a_lost_link_stands_no_more_than_ten_minutes_back() -> None:
    assert mark_before(block(1_000_000, 0.0), 7200.0, "").sample == 1_000_050 - 600 * FS
    assert mark_before(block(100, 0.0), 7200.0, "").sample == 0
    assert mark_before(block(100, 0.0), -3.0, "").sample == 150


def test_marks_behind_which_nothing_came_stand_at_the_end() -> None:
    marks = Marks()
    marks.add("last", 10.0)
    assert marks.rest(Place(50, 0.2)) == [Mark(50, 0.2, "last")]
    assert marks.rest(Place(50, 0.2)) == []


def test_nobody_fills_the_memory_with_marks() -> None:
    marks = Marks()
    for number in range(5000):
        marks.add(str(number), float(number))
    assert len(marks.rest(Place(0, 0.0))) == 1000


def test_of_a_stream_without_ecg_a_mark_comes_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.cap"
    with CaptureWriter(path, CaptureHeader("HRM", "", "heart_rate", 1.7e9, 1000.0)) as writer:
        begin(writer)
        writer.write(HEART_RATE_MEASUREMENT, b"\x00\x3c", 1001.0)
        writer.write_mark("stairs", "HRM", 1012.25)
        writer.write(HEART_RATE_MEASUREMENT, b"\x00\x3d", 1013.0)
    found = [event for event in replay(path) if not hasattr(event, "state")]
    assert [type(event).__name__ for event in found] == ["HeartRate", "Mark", "HeartRate"]
    assert found[1] == Mark(0, 12.25, "stairs")


@pytest.mark.parametrize("queued", [False, True])
def test_a_replay_puts_it_where_it_was(tmp_path: Path, queued: bool) -> None:
    """A frame that had arrived, but was not yet taken when the button was pressed, changes nothing."""
    path = tmp_path / "a.cap"
    with CaptureWriter(path, HEADER) as writer:
        begin(writer)
        for number in range(10):
            if number == (5 if queued else 6):
                assert writer.write_mark("stairs", "it", 1001.1) == "stairs"
            writer.write(ECG_NOTIFY, frame(number), 1000.0 + (number + 0.01) * N / FS)
        writer.write_mark("", "it", 1002.5)
        writer.write_link(LinkRecord("stopped", "", "it", 1003.0))
    found = list(replay(path))
    marks = [event for event in found if isinstance(event, Mark)]
    behind = found[found.index(marks[0]) - 1]
    assert isinstance(behind, SampleBlock)
    assert behind.sample == 6 * N
    assert marks == [Mark(325, 1.3, "stairs"), Mark(500, 2.0, "")]
    assert found[-1] is marks[1]


def test_what_is_kept_of_a_text_is_what_is_read(tmp_path: Path) -> None:
    texts = ["stairs", "x" * 200, "\U0001f4aa" * 200, "\x00" * 200, "half \udc80 a letter", ""]
    with CaptureWriter(tmp_path / "a.cap", HEADER) as writer:
        kept = [writer.write_mark(text, "Gürtel" * 90, 1.5) for text in texts]
    read = list(read_capture(tmp_path / "a.cap"))
    assert [mark.text for mark in read if isinstance(mark, MarkRecord)] == kept
    assert [kept[0], kept[1], kept[5]] == [texts[0], texts[1], ""]
    assert kept[2].startswith("\U0001f4aa" * 16)
    assert {mark.host_time_s for mark in read if isinstance(mark, MarkRecord)} == {1.5}


def test_a_reader_that_knows_no_marks_takes_one_for_a_note_with_its_text(tmp_path: Path) -> None:
    """The record is a note's with a code of its own, and an unknown code has always been read so."""
    path = tmp_path / "a.cap"
    with CaptureWriter(path, HEADER) as writer:
        writer.write_mark("stairs", "it", 1.0)
        writer.write_link(LinkRecord("", "stairs", "it", 1.0, "from_the_future"))
    data = path.read_bytes()
    assert b'{"state": "", "detail": "stairs", "device": "it", "code": "mark"}' in data
    assert NoteCode.of("from_the_future") is NoteCode.OTHER
    note = next(iter(replay(path)))
    assert (type(note).__name__, note.detail) == ("Note", "stairs")  # type: ignore[union-attr]
    assert "mark" not in list(NoteCode)


def test_a_text_is_one_line_of_a_sentences_length() -> None:
    assert safe_text("  up\n the\tstairs ") == "up the stairs"
    assert len(safe_text("x" * 1000)) == LONGEST_TEXT
    assert math.isfinite(LONGEST_TEXT)
