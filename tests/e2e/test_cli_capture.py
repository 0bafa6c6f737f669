"""``ecgedge capture`` and ``ecgedge replay`` of what it wrote, on a virtual strap."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

import ecgedge
from ecgedge_bridge.capture import Notification, read_capture

pytest.importorskip("bumble", reason="the extra sim is not installed")

# The command line as it is; only the radio is another one, and at the end it says what the strap was told.
PROGRAM = """
import contextlib, itertools, sys
import ecgedge_bridge.link as link
from ecgedge.synthetic import Segment, synthesize
from ecgedge_bridge import LinkTiming, VirtualH10, virtual_strap
real_connect = link.connect

@contextlib.asynccontextmanager
async def connect(name, **options):
    ecg = synthesize([Segment("sinus", 60)], seed=1).mv
    strap = VirtualH10(itertools.repeat(ecg), speed=50, name="Polar H10 1")
    options["timing"] = LinkTiming().scaled(50)
    try:
        async with virtual_strap(strap) as radio, real_connect(name, backend=radio, **options) as wearable:
            yield wearable
    finally:
        print("told", *[command[:2].hex() for command in strap.commands], file=sys.stderr)

link.connect = connect
from ecgedge.cli import main
main()
"""
TOLD = "told 0100 0200 0300\n"  # settings, start, stop


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", PROGRAM, "capture", "Polar H10", *arguments]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=120, check=False)


def test_some_seconds_as_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.cap"
    done = run(str(path), "--seconds", "0.5", "--json", "--extra", "battery", "--extra", "acc")
    assert (done.returncode, done.stderr.splitlines()[-1:]) == (0, ["told 0202 0100 0200 0300 0302"]), done
    *events, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"devicestatus", "battery"} == {event["type"] for event in events}
    assert (last["type"], last["path"], last["lost"]) == ("capture", str(path), 0)
    assert last["others"] > 0
    blocks = list(ecgedge.read(path))
    assert sum(len(block.samples) for block in blocks) == last["samples"] > 500
    assert {block.device for block in blocks} == {"Polar H10 1"}


def test_ctrl_c_ends_it_in_words_and_stops_the_strap(tmp_path: Path) -> None:
    path = tmp_path / "a.cap"
    with subprocess.Popen(
        command(str(path)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "streaming" in line:
                break
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, TOLD)
    assert f"0 missing; 0 other values; see: ecgedge replay {path}" in rest
    assert list(ecgedge.read(path))


def test_killed_at_any_moment_it_leaves_a_good_file(tmp_path: Path) -> None:
    path = tmp_path / "a.cap"
    with subprocess.Popen(
        command(str(path), "--json"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
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
    tmp_path: Path, arguments: tuple[str, ...], status: int, says: str
) -> None:
    (tmp_path / "there.cap").write_bytes(b"")
    done = run(str(tmp_path / arguments[0]), *arguments[1:])
    assert done.returncode == status
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not any(line.startswith("told") for line in done.stderr.splitlines())
