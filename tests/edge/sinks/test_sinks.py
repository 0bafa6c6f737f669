"""Lines, files, and several sinks as one: what goes in is what is written, and a new sink needs one row."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import ecgedge
from ecgedge.events import Battery, Beat, Gap, LinkState, Note, Rhythm
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
    assert [line["type"] for line in lines] == ["linkstate", "beat", "heartrate", "gap", "note", "linkstate"]
    assert lines[4] == {
        "type": "note",
        "sample": 263,
        "time_s": 2.0,
        "code": "dropped",
        "detail": "",
        "device": "strap",
    }
    assert (lines[5]["code"], lines[5]["retry_s"], lines[0]["code"]) == ("lost", 1.0, None)


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
        "    0:30  sinus rhythm (0.90)",
    ]


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
