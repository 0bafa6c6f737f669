"""``--send`` on the command line: what arrives elsewhere is what is shown here."""

from __future__ import annotations

import json
import signal
import socket
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.recording.csvwriter import CsvWriter
from ecgedge_bridge.values import SampleBlock


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    mv = synthesize([Segment("sinus", 60)], fs=130, seed=1).mv.astype(np.float32)
    with CsvWriter(tmp_path / "recording.csv") as writer:
        writer.write(SampleBlock(mv, fs=130.0))
    return tmp_path / "recording.csv"


def test_a_recording_is_sent_whole(program: Any, recording: Path) -> None:
    sent = recording.with_name("events.jsonl")
    done = program.cli("replay", str(recording), "--json", "--send", str(sent)).run()
    assert (done.returncode, done.stderr) == (0, "")
    shown = [line for line in done.stdout.splitlines() if '"type": "summary"' not in line]
    assert sent.read_text().splitlines() == shown
    assert len(shown) > 60


def test_a_live_stream_is_sent_while_it_is_shown(on_strap: Any, tmp_path: Path) -> None:
    path = tmp_path / "s"
    with on_strap("run", "Polar H10").start("--json", "--send", f"unix:{path}") as process:
        with socket.socket(socket.AF_UNIX) as reader:
            for _ in range(200):
                try:
                    reader.connect(str(path))
                    break
                except OSError:
                    time.sleep(0.05)
            reader.settimeout(20)
            with reader.makefile("r") as lines:
                kinds = set()
                while "rhythm" not in kinds:
                    kinds.add(json.loads(next(lines))["type"])
        process.send_signal(signal.SIGINT)
        shown, _ = process.communicate(timeout=60)
    assert {"beat", "quality", "rhythm"} <= kinds
    assert '"rhythm"' in shown
    assert not path.exists()


def test_a_receiver_that_is_away_is_said_and_hides_the_password(program: Any, recording: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"mqtt://me:hunter2@127.0.0.1:{port}"
    done = program.cli("replay", str(recording), "--json", "--send", url).run()
    assert done.returncode == 0
    assert f"ecgedge: mqtt://127.0.0.1:{port}: the broker is away" in done.stderr
    events = [line for line in done.stdout.splitlines() if '"type": "summary"' not in line]
    assert f"missed {len(events)} items in all" in done.stderr
    assert "hunter2" not in done.stderr


def test_a_target_that_is_none_is_one_line_before_anything_runs(program: Any, recording: Path) -> None:
    done = program.cli("replay", str(recording), "--send", "mqqt://me:hunter2@host").run()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "ecgedge: --send mqqt: nothing sends there (did you mean 'mqtt'?): correct it\n"
