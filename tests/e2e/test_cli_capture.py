"""``ecgedge capture`` and ``ecgedge replay`` of what it wrote, on a virtual strap."""

from __future__ import annotations

import json
import signal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import ecgedge
from ecgedge_bridge.capture.file import Notification, read_capture

TOLD = "told 0100 0200 0300\n"  # settings, start, stop


@pytest.fixture
def capture(on_strap: Any) -> Any:
    return on_strap("capture", "Polar H10")


def test_some_seconds_as_json_lines(capture: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.cap"
    done = capture.run(str(path), "--seconds", "0.5", "--json", "--extra", "battery", "--extra", "acc")
    assert (done.returncode, done.stderr.splitlines()[-1:]) == (0, ["told 0202 0100 0200 0300 0302"]), done
    *events, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"linkstate", "battery"} == {event["type"] for event in events}
    assert (last["type"], last["path"], last["lost"]) == ("capture", str(path), 0)
    assert last["others"] > 0
    blocks = list(ecgedge.read(path))
    assert sum(len(block.samples) for block in blocks) == last["samples"] > 500
    assert {block.device for block in blocks} == {"Polar H10 1"}


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_it_stops_the_strap_and_leaves_a_good_file(
    capture: Any, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    path = tmp_path / "a.cap"
    with capture.start(str(path)) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "streaming" in line:
                break
        process.send_signal(number)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (status, TOLD)
    assert [type(record) for record in read_capture(path)]


def test_ctrl_c_ends_it_in_words_and_stops_the_strap(capture: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.cap"
    with capture.start(str(path)) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "streaming" in line:
                break
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, TOLD)
    assert f"0 missing; 0 other values; see: ecgedge replay {path}" in rest
    assert list(ecgedge.read(path))


def test_killed_at_any_moment_it_leaves_a_good_file(capture: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.cap"
    with capture.start(str(path), "--json") as process:
        while not path.exists() or path.stat().st_size < 20_000:
            assert process.poll() is None
        process.kill()
    records = [item for item in read_capture(path) if isinstance(item, Notification)]
    assert len(records) > 70
    blocks = list(ecgedge.read(path))
    assert len(blocks) > 70
    assert all(after.sample == before.end_sample for before, after in pairwise(blocks))


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("a.csv",), 2, "has to end in .cap"),
        (("there.cap",), 1, "there.cap is there already, and a capture is not overwritten"),
        (("a.cap", "--profile", "abacus"), 2, "unknown profile 'abacus'"),
        (("a.cap", "--extra", "tea"), 2, "unknown extras ['tea']"),
    ],
)
def test_mistakes_are_told_before_anything_is_looked_for(
    capture: Any, tmp_path: Path, arguments: tuple[str, ...], status: int, says: str
) -> None:
    (tmp_path / "there.cap").write_bytes(b"")
    done = capture.run(str(tmp_path / arguments[0]), *arguments[1:])
    assert done.returncode == status
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not any(line.startswith("told") for line in done.stderr.splitlines())
