"""``ecgedge run`` on a virtual strap: real GATT, and whatever ends the run, the strap is told to stop."""

from __future__ import annotations

import json
import signal
from subprocess import Popen
from typing import Any

import pytest

TOLD = "told 0100 0200 0300\n"  # settings, start, stop


@pytest.fixture
def run(on_strap: Any) -> Any:
    return on_strap("run", "Polar H10")


def read_until(process: Popen[str], words: str) -> list[str]:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if words in line:
            break
    return lines


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_run_and_stops_the_strap(run: Any, number: signal.Signals, status: int) -> None:
    with run.start("--json") as process:
        lines = read_until(process, '"rhythm"')
        process.send_signal(number)
        rest, errors = process.communicate(timeout=60)
    assert process.returncode == status
    assert errors == TOLD
    events = [json.loads(line) for line in [*lines, *rest.splitlines()]]
    assert {"linkstate", "battery", "beat", "quality", "rhythm"} <= {event["type"] for event in events}
    assert [event["state"] for event in events if event["type"] == "linkstate"][-1] == "stopped"


def test_a_closed_pipe_ends_the_run_and_stops_the_strap(run: Any) -> None:
    with run.start("--json") as process:
        read_until(process, '"beat"')
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == TOLD
    assert process.returncode == 1


def test_in_words_without_a_terminal(run: Any) -> None:
    with run.start() as process:
        lines = read_until(process, "sinus rhythm")
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
    text = "".join(lines)
    for words in ("looking for Polar H10", "streaming", "battery 87 %", "sinus rhythm"):
        assert words in text
    assert "0 rejected as noise" in rest.splitlines()[-1]
