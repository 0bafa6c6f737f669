"""``ecgedge run`` on what is no Bluetooth device: one recording gives the same events through every door."""

from __future__ import annotations

import json
import os
import signal
import socket
import tty
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from threading import Thread
from typing import Any

import numpy as np
import pytest

from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.monitor import Monitor
from ecgedge_bridge.protocols.own.frames import split_frames
from ecgedge_bridge.values import SampleBlock
from ecgedge_bridge.wired.cobs import enveloped

FS = 130
UV = np.rint(synthesize([Segment("sinus", 75)], seed=1).mv * 1000).astype(np.int64)
FRAMES = split_frames(UV, FS, capacity=244)
STREAM = b"".join(map(enveloped, FRAMES))
LINES = "".join(f"{value}\n" for value in UV).encode()
ENOUGH = 31 * FS
KINDS = ("beat", "rhythm", "quality")


def found(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the monitor found in the first half: a live stream is cut wherever Ctrl-C comes."""
    told = [event for event in events if event["type"] in KINDS]
    return [event for event in told if event.get("end_sample", event["sample"]) < ENOUGH]


@pytest.fixture(scope="module")
def expected() -> list[dict[str, Any]]:
    """What the monitor finds in the same samples."""
    monitor = Monitor()
    mv = UV.astype(np.float32)
    mv /= np.float32(1000)
    events = monitor.feed(SampleBlock(mv, float(FS), 0)) + monitor.finish()
    return [event.to_json() for event in events]


def events_until(process: Popen[str]) -> list[dict[str, Any]]:
    """Read what is printed until the monitor has come so far, then end it by Ctrl-C."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if json.loads(line).get("end_sample", 0) > ENOUGH:
            break
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "")
    return [json.loads(line) for line in [*lines, *rest.splitlines()]]


def agree(events: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    wanted = found(expected)
    assert len(wanted) > 30
    got = found(events)
    assert [event["type"] for event in got] == [event["type"] for event in wanted]
    for one, other in zip(got, wanted, strict=True):
        assert one["sample"] == other["sample"]
        assert one.get("label") == other.get("label")
        assert one.get("symbol") == other.get("symbol")


@contextmanager
def server(data: bytes) -> Iterator[int]:
    """A TCP server that sends to all who connect, and stays."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                connected, _ = listening.accept()
                with connected:
                    connected.sendall(data)
                    connected.recv(1)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]


def test_frames_over_tcp(program: Any, expected: Any) -> None:
    with server(STREAM) as port, program.cli("run", f"tcp:127.0.0.1:{port}", "--json").start() as process:
        agree(events_until(process), expected)


def test_numbers_over_tcp(program: Any, expected: Any) -> None:
    arguments = ("--fs", str(FS), "--unit", "uV", "--json")
    data = b"0\n" + LINES  # the first line may be the end of one
    with server(data) as port, program.cli("run", f"tcp:127.0.0.1:{port}", *arguments).start() as process:
        agree(events_until(process), expected)


def test_frames_over_a_serial_port(program: Any, expected: Any) -> None:
    pytest.importorskip("serial", reason="the extra serial is not installed")
    ours, theirs = os.openpty()
    tty.setraw(theirs)

    def send() -> None:
        with suppress(OSError):
            data = STREAM
            while data:
                data = data[os.write(ours, data[:256]) :]

    with program.cli("run", f"serial:{os.ttyname(theirs)}", "--json").start() as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if '"waiting"' in line:
                break
        Thread(target=send, daemon=True).start()
        agree(events_until(process), expected)
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize("frames", [True, False])
def test_standard_input_to_its_end(program: Any, expected: Any, tmp_path: Path, frames: bool) -> None:
    arguments = () if frames else ("--fs", str(FS), "--unit", "uV")
    recording, saved = tmp_path / "a.db", tmp_path / "a.csv"
    more = ("--json", "--record", str(recording), "--save", str(saved))
    with program.cli("run", "-", *arguments, *more).start(stdin=PIPE) as process:
        assert process.stdin is not None
        process.stdin.buffer.write(STREAM if frames else LINES)
        process.stdin.close()
        process.stdin = None
        out, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, "")
    events = [json.loads(line) for line in out.splitlines()]
    agree(events, expected)
    states = [event["state"] for event in events if event["type"] == "linkstate"]
    assert states == ["scanning", "connecting", "waiting", "streaming", "stopped"]
    assert events[-1]["type"] == "summary"
    assert len(saved.read_text().splitlines()) == len(UV) + 1
    again = program.cli("replay", str(recording)).run()
    assert "the same events as recorded" in again.stderr


def test_a_file_as_standard_input(program: Any, expected: Any, tmp_path: Path) -> None:
    (tmp_path / "ecg.txt").write_bytes(LINES)
    with (tmp_path / "ecg.txt").open("rb") as file:
        done = program.cli("run", "-", "--fs", str(FS), "--unit", "uV", "--json").start(stdin=file)
        out, _ = done.communicate(timeout=120)
    agree([json.loads(line) for line in out.splitlines()], expected)


def test_our_own_lsl_outlet(program: Any, expected: Any) -> None:
    pytest.importorskip("pylsl", reason="the extra lsl is not installed", exc_type=ImportError)
    import pylsl

    name = f"ecgedge-test-{uuid.uuid4().hex[:8]}"
    info = pylsl.StreamInfo(name, "ECG", 1, FS, pylsl.cf_float32, name)
    info.desc().append_child("channels").append_child("channel").append_child_value("unit", "microvolts")
    stream = pylsl.StreamOutlet(info)

    def push() -> None:
        assert stream.wait_for_consumers(60)
        start_s = pylsl.local_clock()
        for at in range(0, 55 * FS, 13):  # an inlet holds a minute
            piece = UV[at : at + 13].astype(np.float32).reshape(-1, 1)
            stream.push_chunk(piece, start_s + (at + len(piece) - 1) / FS)

    with program.cli("run", f"lsl:{name}", "--json").start() as process:
        Thread(target=push, daemon=True).start()
        agree(events_until(process), expected)


@pytest.mark.parametrize(
    "source", ["lsl:nothing-has-this-name", "serial:/dev/nothing-has-this-name", "tcp:127.0.0.1:9", "-"]
)
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_run_while_it_waits(
    program: Any, source: str, number: signal.Signals, status: int
) -> None:
    with program.cli("run", source, "--fs", "130", "--json").start(stdin=PIPE) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if '"waiting"' in line or ('"scanning"' in line and source != "-"):
                break
        process.send_signal(number)
        process.wait(timeout=60)  # before standard input is closed
        _, errors = process.communicate()
    assert (process.returncode, errors) == (status, "")


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("tcp:1.2.3.4:5", "--adapter", "hci1"), 2, "it is for Bluetooth devices alone: leave it out"),
        (("tcp:1.2.3.4:5", "--pair"), 2, "it is for Bluetooth devices alone"),
        (("-", "--profile", "polar"), 2, "it is for Bluetooth devices alone"),
        (("-", "--extra", "acc"), 2, "it is for Bluetooth devices alone"),
        (("-", "--unit", "furlong"), 1, "unit 'furlong' is not known"),
        (("-", "--fs", "10"), 1, "--fs is 10 Hz, which no ECG is sampled at"),
        (("tcp:9000",), 1, "a TCP source is written tcp:HOST:PORT"),
        (("Polar H10", "--unit", "mV"), 2, "a Bluetooth device says that itself"),
        (("Polar H10", "--channel", "1"), 2, "a Bluetooth device says that itself"),
    ],
)
def test_options_that_make_no_sense_are_one_clear_line(
    program: Any, arguments: tuple[str, ...], status: int, says: str
) -> None:
    with program.cli("run", *arguments).start(stdin=DEVNULL) as process:
        out, errors = process.communicate(timeout=60)
    assert (process.returncode, out) == (status, "")
    assert says in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("command", [("capture", "-", "a.cap"), ("doctor", "tcp:localhost:9000")])
def test_what_is_for_bluetooth_alone_says_so(program: Any, command: tuple[str, ...]) -> None:
    done = program.cli(*command).run()
    assert done.returncode == 2
    assert "for Bluetooth devices alone" in done.stderr
