"""``ecgedge run`` on a virtual strap: real GATT, and whatever ends the run, the strap is told to stop."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

pytest.importorskip("bumble", reason="the extra sim is not installed")

# The command line as it is; only the radio is another one, and at the end it says what the strap was told.
PROGRAM = """
import contextlib, itertools, sys
import ecgedge_bridge
from ecgedge.synthetic import Segment, synthesize
from ecgedge_bridge import LinkTiming, VirtualH10, virtual_strap
from ecgedge_bridge import connect as real_connect

@contextlib.asynccontextmanager
async def connect(name, **options):
    ecg = synthesize([Segment("sinus", 60)], seed=1).mv
    strap = VirtualH10(itertools.repeat(ecg), speed=100, name="Polar H10 1")
    options["timing"] = LinkTiming().scaled(100)
    try:
        async with virtual_strap(strap) as radio, real_connect(name, backend=radio, **options) as link:
            yield link
    finally:
        print("told", *[command[:2].hex() for command in strap.commands], file=sys.stderr)

ecgedge_bridge.connect = connect
from ecgedge.cli import main
main()
"""
TOLD = "told 0100 0200 0300\n"  # settings, start, stop


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, "run", "Polar H10", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def read_until(process: subprocess.Popen[str], words: str) -> list[str]:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if words in line:
            break
    return lines


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_run_and_stops_the_strap(number: signal.Signals, status: int) -> None:
    with start("--json") as process:
        lines = read_until(process, '"rhythm"')
        process.send_signal(number)
        rest, errors = process.communicate(timeout=60)
    assert process.returncode == status
    assert errors == TOLD
    events = [json.loads(line) for line in [*lines, *rest.splitlines()]]
    assert {"devicestatus", "battery", "beat", "quality", "rhythm"} <= {event["type"] for event in events}
    assert [event["state"] for event in events if event["type"] == "devicestatus"][-1] == "stopped"


def test_a_closed_pipe_ends_the_run_and_stops_the_strap() -> None:
    with start("--json") as process:
        read_until(process, '"beat"')
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == TOLD
    assert process.returncode == 1


def test_in_words_without_a_terminal() -> None:
    with start() as process:
        lines = read_until(process, "sinus rhythm")
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
    text = "".join(lines)
    for words in ("looking for Polar H10", "streaming", "battery 87 %", "sinus rhythm"):
        assert words in text
    assert "0 rejected as noise" in rest.splitlines()[-1]
