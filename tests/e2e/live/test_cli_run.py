"""``ecgedge run`` on a virtual strap: real GATT, and whatever ends the run, the strap is told to stop."""

from __future__ import annotations

import json
import os
import signal
import socket
from contextlib import suppress
from subprocess import Popen
from threading import Thread
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


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
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


def test_systemd_is_told_that_it_is_ready_that_samples_arrive_and_that_it_stops(
    run: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        told: list[str] = []

        def listen() -> None:
            while not told or told[-1] != "STOPPING=1":
                told.append(manager.recv(4096).decode())

        listener = Thread(target=listen, daemon=True)
        listener.start()
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        with run.start("--json") as process:
            read_until(process, '"rhythm"')
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
        listener.join(timeout=10)
    assert told[:2] == ["EXTEND_TIMEOUT_USEC=120000000", "STATUS=looking for Polar H10"]
    ready = told.index("READY=1")
    assert "STATUS=streaming" in told[:ready]
    assert told[ready - 1] == "WATCHDOG=1"
    assert told[-1] == "STOPPING=1"


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
    assert "0 rejected as noise" in rest
    assert "Summary of " in rest


def test_every_option_of_the_link_is_on_every_live_command(program: Any) -> None:
    from dataclasses import fields

    from ecgedge.cli.options import LinkOptions

    names = {"extras": "extra"}
    for command in ("run", "capture", "doctor"):
        text = program.cli(command, "--help").run().stdout
        for field in fields(LinkOptions):
            assert f" --{names.get(field.name, field.name)} " in text, (command, field.name)


def test_what_was_asked_for_is_there_and_what_is_received_is_saved(run: Any, tmp_path: Any) -> None:
    ecg, events = tmp_path / "ecg.csv", tmp_path / "events.jsonl"
    options = ("--profile", "polar", "--fs", "130", "--extra", "heart_rate", "--extra", "acc")
    with run.start("--json", *options, "--save", str(ecg), "--save", str(events)) as process:
        lines = read_until(process, '"rhythm"')
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
    assert errors == "told 0202 0100 0200 0300 0302\n"
    printed = "".join(lines) + rest
    assert {"heartrate", "linkstate", "rhythm"} <= {json.loads(line)["type"] for line in printed.splitlines()}
    assert "battery" not in printed  # it was not asked for
    # Some lines may be lost between the two ways in which this test reads the pipe.
    told = [line for line in printed.splitlines() if '"summary"' not in line]
    assert set(told) <= set(events.read_text().splitlines())
    assert len(ecg.read_text().splitlines()) > 1000


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        (("--profile", "abacus"), 2, "unknown profile 'abacus'"),
        (("--extra", "tea"), 2, "unknown extras ['tea']"),
        (("--profile", "polar", "--fs", "250"), 2, "polar has no rate of 250 Hz: use one of 130"),
        (("--fs", "250"), 1, "polar has no rate of 250 Hz: use one of 130"),
        (("--save", "ecg.doc"), 1, "a name that ends in .csv or .jsonl"),
    ],
)
def test_options_that_do_not_fit_are_one_clear_line(
    run: Any, options: tuple[str, ...], status: int, says: str
) -> None:
    done = run.run(*options)
    assert done.returncode == status
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_moment_is_marked_by_a_key_and_from_another_terminal(
    on_strap: Any, program: Any, tmp_path: Any
) -> None:
    import fcntl
    import pty
    import struct
    import termios

    import ecgedge

    recording = tmp_path / "ecg.db"
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    before = termios.tcgetattr(theirs)
    unset = ("COLUMNS", "LINES", "NO_COLOR")
    environment = {key: value for key, value in os.environ.items() if key not in unset}
    environment |= {"TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"}
    terminal = {"stdin": theirs, "stdout": theirs, "env": environment}
    shown = ""

    def read(words: str) -> None:
        nonlocal shown
        with suppress(OSError):  # of a terminal that nobody holds any more
            while words not in shown:
                shown += os.read(ours, 65536).decode("utf-8", "replace")

    def own_terminal() -> None:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    run = on_strap("run", "Polar H10", "--record", str(recording))
    with run.start(**terminal, preexec_fn=own_terminal) as process:
        read("mark this moment")
        read("streaming")
        os.write(ours, b"xm")
        read("marked")
        done = program.cli("mark", str(recording)).run("palpitations on the stairs")
        assert (done.returncode, done.stdout) == (0, "marked\n")
        read("palpitations on the stairs")
        process.send_signal(signal.SIGINT)
        drain = Thread(target=lambda: read("\0never"), daemon=True)
        drain.start()
        process.wait(timeout=60)
    assert termios.tcgetattr(theirs) == before  # the terminal is given back as it was
    late = program.cli("mark", str(recording)).run("too late")
    assert (late.returncode, len(late.stderr.splitlines())) == (1, 1)
    with ecgedge.StoredRecording(recording) as stored:
        marks = [event for event in stored.events() if isinstance(event, ecgedge.Mark)]
        end_s = stored.sessions[0].end / stored.sessions[0].fs
    assert [mark.text for mark in marks] == ["", "palpitations on the stairs"]
    assert 0 < marks[0].time_s < marks[1].time_s < end_s
    again = program.cli("replay", str(recording)).run()
    assert "marked: palpitations on the stairs" in again.stdout
    assert "the same events as recorded" in again.stderr
    os.close(theirs)
    os.close(ours)
