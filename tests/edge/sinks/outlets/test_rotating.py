"""JSON lines in files of bounded size: whole lines, all of the latest, readable by nobody else."""

from __future__ import annotations

import json
import os
import resource
import signal
from pathlib import Path

import pytest

from ecgedge.events import Battery
from ecgedge.sinks.outlets.rotating import RotatingLines
from ecgedge.sinks.outlets.target import Opening, Target
from ecgedge.sinks.queued import NotDelivered
from ecgedge.sinks.registry import open_outlet
from ecgedge.sinks.sink import Item
from ecgedge_bridge.errors import ConfigError


def rotating(path: Path, options: str = "") -> RotatingLines:
    return RotatingLines(Target.parse(f"{path}{options}"), Opening("strap", print))


def samples(path: Path) -> list[int]:
    return [json.loads(line)["sample"] for line in path.read_text().splitlines()]


def test_every_event_is_a_line_and_a_second_run_goes_on(tmp_path: Path, items: list[Item]) -> None:
    path = tmp_path / "e.jsonl"
    for _ in range(2):
        sink = open_outlet(str(path), device="strap", tell=print)
        sink.take(items)
        sink.close()
        assert sink.missed == 0
    kinds = [json.loads(line)["type"] for line in path.read_text().splitlines()]
    assert kinds == 2 * [type(item).__name__.lower() for item in items if hasattr(item, "to_json")]
    assert path.stat().st_mode & 0o777 == 0o600


def test_files_are_bounded_and_hold_the_latest_without_a_hole(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    sink = rotating(path, "?mb=0.002&keep=3")
    for n in range(200):
        sink.take([Battery(n, 0.0, 1)])
    sink.close()
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["e.jsonl", "e.jsonl.1", "e.jsonl.2", "e.jsonl.3"]
    assert all(file.stat().st_size <= 2000 and file.stat().st_mode & 0o777 == 0o600 for file in files)
    kept = [*samples(files[3]), *samples(files[2]), *samples(files[1]), *samples(files[0])]
    assert kept == list(range(kept[0], 200))
    assert len(kept) > 3 * 2000 // 80


def test_half_a_line_of_a_crash_spoils_no_other_line(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    path.write_text('{"type": "battery", "sample": 0}\n{"type": "bat')
    sink = rotating(path)
    sink.take([Battery(1, 0.0, 1), Battery(2, 0.0, 1)])
    sink.close()
    lines = path.read_text().splitlines()
    assert [json.loads(lines[n])["sample"] for n in (0, 2, 3)] == [0, 1, 2]
    assert len(lines) == 4


def test_a_disk_that_is_full_for_a_while_costs_what_came_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    sink = rotating(path)
    sink.take([Battery(0, 0.0, 1)])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, before[1]))
        for n in (1, 2):
            with pytest.raises(NotDelivered):
                sink.take([Battery(n, 0.0, 1)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    sink.take([Battery(3, 0.0, 1)])
    sink.close()
    good = [json.loads(line)["sample"] for line in path.read_text().splitlines() if line.endswith("}")]
    assert good == [0, 3]


def test_limits_and_places_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    for options in ("?mb=0", "?keep=0", "?mb=nan", "?keep=many"):
        with pytest.raises(ConfigError):
            rotating(tmp_path / "e.jsonl", options)
    (tmp_path / "folder.jsonl").mkdir()
    os.mkfifo(tmp_path / "pipe.jsonl")
    for name in ("folder.jsonl", "pipe.jsonl", "no/such/e.jsonl"):
        with pytest.raises(ConfigError, match="choose another"):
            rotating(tmp_path / name)
