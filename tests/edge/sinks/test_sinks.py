"""Lines, files, and several sinks as one: what goes in is what is written, and a new sink needs one row."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import ecgedge
from ecgedge.events import Battery, Beat, Gap, Hrv, Intervals, LinkState, Note, Rhythm, Waves, Word
from ecgedge.sinks.lines import JsonLines, TextLines
from ecgedge.sinks.registry import SAVERS, open_saver
from ecgedge.sinks.sink import Item, Several, Sink
from ecgedge_bridge.codes import LinkCode, NoteCode
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import Acceleration, HeartRate, SampleBlock

BLOCK = SampleBlock(np.array([0.1, -0.2, 0.3], np.float32), fs=130.0, sample=130)
ITEMS: list[Item] = [
    LinkState(0, 0.0, "streaming", device="strap"),
    BLOCK,
    Beat(131, 1.0, None),
    Word(131, 1.0, 7, None, 1.1),
    Acceleration(np.zeros((2, 3), np.float32), fs=200.0),
    HeartRate(130, 1.0, 61),
    Gap(133, 1.0, 263, 2.0, 130),
    Note(263, 2.0, NoteCode.DROPPED, device="strap"),
    LinkState(263, 2.0, "backing_off", "gone", "strap", LinkCode.LOST, 1.0),
]


def test_json_lines_are_every_event_and_no_block() -> None:
    out = io.StringIO()
    JsonLines(out).take(ITEMS)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["type"] for line in lines] == [
        "linkstate",
        "beat",
        "word",
        "heartrate",
        "gap",
        "note",
        "linkstate",
    ]
    assert lines[5] == {
        "type": "note",
        "sample": 263,
        "time_s": 2.0,
        "code": "dropped",
        "detail": "",
        "device": "strap",
    }
    assert (lines[6]["code"], lines[6]["retry_s"], lines[0]["code"]) == ("lost", 1.0, None)


def test_text_lines_are_what_a_person_wants_to_know() -> None:
    out = io.StringIO()
    lines = TextLines(out)
    lines.take(ITEMS)
    lines.take(ITEMS[-1:])  # the same again
    window = Rhythm(0, 0.0, 3900, 30.0, "N", "N", {"N": 0.9}, True, True)
    lines.take([window])
    assert out.getvalue().splitlines() == [
        "    0:00  streaming",
        "    0:01  gap of 130 samples lost (1.0 s)",
        "    0:02  notifications were dropped, because this program did not take them in time",
        "    0:02  connection lost: gone; next try in 1.0 s",
        "          (the same 1 more time)",
        "    0:30  sinus rhythm (0.90)",
    ]


def test_what_stays_the_same_is_counted_not_dropped() -> None:
    out = io.StringIO()
    lines = TextLines(out)
    for minute in range(20):
        for window in range(6):
            end_s = 60.0 * minute + 10 * (window + 1)
            label = "A" if minute == 12 and window == 3 else "N"
            lines.take([Rhythm(0, 0.0, 0, end_s, label, label, {label: 0.9}, True, False)])
        lines.take([hrv(60.0 * (minute + 1))])
    lines.take([Note(0, 0.0, NoteCode.DROPPED)] * 4)
    lines.close()
    shown = out.getvalue().splitlines()
    assert [line[:8].strip() for line in shown if "still sinus" in line] == [
        "1:00", "2:00", "3:00", "4:00", "5:00", "10:00", "15:00", "20:00",
    ]  # fmt: skip
    assert "still sinus rhythm: 60 windows since 0:10;" in shown[6]
    assert [line[:8].strip() for line in shown if "HRV" not in line][:3] == ["0:10", "12:40", "12:50"]
    assert shown[-1] == "          (the same 3 more times)"


def hrv(end_s: float) -> Hrv:
    unknown = dict.fromkeys((field.name for field in fields(Hrv)), None)
    known = {"sample": 0, "time_s": end_s - 60, "end_sample": 0, "end_time_s": end_s, "n_rr": 60, "n_nn": 60}
    return Hrv(**{**unknown, **known, "usable": 1.0, "rmssd_ms": 24.0})  # type: ignore[arg-type]


def test_intervals_are_a_line_and_waves_of_single_beats_are_none() -> None:
    minute = Intervals(
        sample=0, time_s=0.0, end_sample=7800, end_time_s=60.0, beats=61, pr_ms=160.4, pr_beats=58,
        qrs_ms=None, qrs_beats=20, qt_ms=391.0, qt_beats=60, rr_ms=980.0, qtc_bazett_ms=395.0,
        qtc_fridericia_ms=393.6,
    )  # fmt: skip
    nothing = replace(minute, pr_ms=None, qt_ms=None, qtc_bazett_ms=None, qtc_fridericia_ms=None)
    out = io.StringIO()
    lines = TextLines(out)
    lines.take([Waves(sample=100, time_s=0.8, p_onset=80), minute, nothing])
    assert [line.strip() for line in out.getvalue().splitlines()] == [
        "1:00  PR 160 ms (58), QT 391 ms (60), QTc 394 ms (Fridericia); 61 beats",
        "1:00  no intervals that agree; 61 beats",
    ]


def test_a_file_that_is_there_is_replaced_only_when_that_is_allowed(tmp_path: Path) -> None:
    for ending in SAVERS:
        path = tmp_path / f"a{ending}"
        path.write_text("mine")
        with pytest.raises(ConfigError, match="is there already: choose another name"):
            open_saver(str(path))
        assert path.read_text() == "mine"
        sink = open_saver(str(path), force=True)
        sink.take(ITEMS)
        sink.close()
        assert path.read_bytes() != b"mine"


@pytest.mark.parametrize("way", ["same", "other spelling", "symbolic link", "hard link"])
def test_what_is_read_is_never_replaced(tmp_path: Path, way: str) -> None:
    source, link = tmp_path / "a.csv", tmp_path / "b.csv"
    source.write_text("mine")
    targets = {"same": source, "other spelling": tmp_path / "x" / ".." / "a.csv"}
    (tmp_path / "x").mkdir()
    if way == "symbolic link":
        link.symlink_to(source)
    elif way == "hard link":
        link.hardlink_to(source)
    with pytest.raises(ConfigError, match="is what is read"):
        open_saver(str(targets.get(way, link)), force=True, source=source)
    assert source.read_text() == "mine"


def test_a_saved_ecg_is_only_its_owners_and_nothing_leaves_no_file(tmp_path: Path) -> None:
    for ending in SAVERS:
        path = tmp_path / f"a{ending}"
        sink = open_saver(str(path))
        assert path.stat().st_mode & 0o077 == 0
        sink.close()
        assert not path.exists()


def test_what_is_saved_as_csv_is_read_back(tmp_path: Path) -> None:
    sink = open_saver(str(tmp_path / "a.csv"))
    sink.take(ITEMS)
    sink.take([SampleBlock(np.full(200, 0.5, np.float32), fs=130.0, sample=263)])
    sink.close()
    first, *rest = ecgedge.read(tmp_path / "a.csv")
    assert first.samples[:3].tolist() == BLOCK.samples.tolist()
    assert rest or len(first.samples) > 3


def test_events_are_saved_as_json_lines(tmp_path: Path) -> None:
    out, sink = io.StringIO(), open_saver(str(tmp_path / "A.JSONL"))
    for one in (sink, JsonLines(out)):
        one.take(ITEMS)
        one.close()
    assert (tmp_path / "A.JSONL").read_text() == out.getvalue()


@pytest.mark.parametrize("ending", SAVERS)
def test_a_place_that_cannot_be_written_is_a_config_error(tmp_path: Path, ending: str) -> None:
    with pytest.raises(ConfigError, match="choose another file"):
        open_saver(str(tmp_path / "none" / f"a{ending}"))


def test_a_name_that_no_sink_knows_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"a name that ends in \.csv or \.jsonl"):
        open_saver("ecg.doc")


def test_a_new_sink_is_a_module_and_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Item] = []

    class Mine:
        def __init__(self, target: str, **options: Any) -> None:
            self.target = target

        def take(self, items: Iterable[Item]) -> None:
            taken.extend(items)

        def close(self) -> None:
            taken.clear()

    module = ModuleType("mine")
    module.Mine = Mine  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mine", module)
    monkeypatch.setitem(SAVERS, ".mine", "mine:Mine")
    sink = open_saver("there.mine")
    sink.take(iter(ITEMS))
    assert taken == ITEMS


def test_several_sinks_get_the_same_and_all_are_closed_also_when_one_fails() -> None:
    class Book:
        def __init__(self, error: Exception | None = None) -> None:
            self.items: list[Item] = []
            self.closed = False
            self._error = error

        def take(self, items: Iterable[Item]) -> None:
            self.items += items

        def close(self) -> None:
            self.closed = True
            if self._error is not None:
                raise self._error

    books = [Book(), Book(OSError("full")), Book()]
    sinks: list[Sink] = [*books]
    several = Several(sinks)
    several.take(iter([Battery(0, 0.0, 87)]))
    with pytest.raises(OSError, match="full"):
        several.close()
    assert [(len(book.items), book.closed) for book in books] == [(1, True)] * 3
