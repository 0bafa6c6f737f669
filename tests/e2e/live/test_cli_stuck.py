"""``ecgedge run`` whose own output stands still: a frozen terminal, a pipe that nobody reads for a while."""

from __future__ import annotations

import fcntl
import json
import re
import signal
import socket
import time
import urllib.request
from typing import Any

import pytest

from ecgedge.events import Battery
from ecgedge.sinks.queued import Output


def test_a_pipe_that_nobody_reads_holds_up_neither_the_stream_nor_the_recording(
    on_strap: Any, tmp_path: Any
) -> None:
    import ecgedge

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    recording = tmp_path / "ecg.db"
    run = on_strap("run", "Polar H10", "--record", str(recording), "--send", f"metrics:{port}")
    with run.start("--json") as process:
        # It holds a few seconds of events, the system's usual 64 kB minutes of them.
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
        end_s = time.monotonic() + 120
        samples = 0
        while samples < 130 * 600 and time.monotonic() < end_s:
            time.sleep(0.2)
            try:
                text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
            except OSError:
                continue
            found = re.findall(r"^ecgedge_samples_total\{.*\} (\S+)$", text, re.MULTILINE)
            samples = int(float(found[0])) if found else 0
        assert samples >= 130 * 600
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    # What waited came in the end, whole and in order.
    events = [json.loads(line) for line in rest.splitlines()]
    assert events[-1]["type"] == "summary"
    beats = [event["sample"] for event in events if event["type"] == "beat"]
    assert beats == sorted(set(beats))
    assert beats[-1] > 130 * 590
    assert "missed" not in errors
    with ecgedge.StoredRecording(recording) as stored:
        assert stored.sessions[0].end >= 130 * 600


def test_output_that_fails_ends_the_stream() -> None:
    class Closed:
        def take(self, items: Any) -> None:
            if list(items):
                raise BrokenPipeError("nobody reads")

        def close(self) -> None:
            """Nothing to be closed."""

    told: list[str] = []
    output = Output(Closed(), "stdout", tell=told.append)
    output.take([Battery(0, 0.0, 1)])
    while not output._failures:
        time.sleep(0.01)
    with pytest.raises(BrokenPipeError):
        output.take([Battery(1, 0.0, 1)])
    output.close()  # it is known by now
    assert told == []  # whoever ends the command tells it
